"""A student's server in a class, lean: `hub/start` puts this where only servers of the class read it."""

import os
from pathlib import Path

from jupyter_server.services.kernels.websocket import KernelWebsocketHandler

IDLE = int(os.environ["CLASS_IDLE"])  # seconds

c = get_config()  # noqa: F821 - Jupyter gives it
c.KernelManager.transport = "ipc"  # a port could be lost to another student's server
c.ServerApp.terminals_enabled = False
c.ServerApp.jpserver_extensions = {"jupyter_lsp": False, "jupyter_server_terminals": False, "notebook": False}
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
# JupyterLab settles these when it is imported, and that is before the student is known (see nursery.py).
c.LabApp.user_settings_dir = str(Path.home() / ".jupyter" / "lab" / "user-settings")
c.LabApp.workspaces_dir = str(Path.home() / ".jupyter" / "lab" / "workspaces")
c.MappingKernelManager.cull_idle_timeout = max(1, IDLE // 3)  # of kernels that no page is connected to
c.MappingKernelManager.cull_interval = max(1, min(60, IDLE // 6))

# A picture is several packets, and the last one would be held back, up to 40 ms, until the others are acknowledged.
_opened = KernelWebsocketHandler.open


async def _open(handler, kernel_id):
    handler.set_nodelay(True)
    await _opened(handler, kernel_id)


KernelWebsocketHandler.open = _open
