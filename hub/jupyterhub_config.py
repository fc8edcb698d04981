"""JupyterHub for a class on one machine: `make class` (see README, "For a class").

Everything of the class lies in one folder, CLASS: the names, the hashes of passwords, homes, and the hub's own files.
Started by root, each student's code runs as a user of its own; otherwise all of it as whoever started the hub.
"""

import asyncio
import hmac
import os
import sys
from pathlib import Path

from jupyterhub.auth import Authenticator
from jupyterhub.spawner import LocalProcessSpawner

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from class_list import class_of, enrol, hashed, login, user_of  # noqa: E402 - this folder is no package
from nursery import ask  # noqa: E402

CLASS = Path(os.environ["CLASS"]).resolve()
NAMES, KNOWN = class_of(CLASS), enrol(CLASS)
PORTS = int(os.environ.get("CLASS_PORTS", 21000))  # of the hub, its proxy and all servers; below what systems lend to others
MEMORY = int(os.environ.get("CLASS_MEGABYTES", 1500)) * 2**20  # of data in a student's server, and in each kernel
IDLE = int(os.environ.get("CLASS_IDLE", 3600))  # seconds until a server that nobody uses is stopped
NURSERY = CLASS / "nursery.socket"


class ClassList(Authenticator):
    """Lets in who is in students.txt and has the password; "Anna Müller" will do for anna.muller."""

    async def authenticate(self, handler, data):
        name = login(data["username"])
        known = KNOWN.get(name, {"salt": "00", "hash": ""})  # as slow for a name that is not there
        right = hmac.compare_digest(hashed(data["password"], known["salt"]), known["hash"])
        return name if right and name in NAMES else None


class StudentSpawner(LocalProcessSpawner):
    """A server for a student: in a home within CLASS, at a port of its own and, started by root, as a user of its own."""

    async def start(self):
        number = KNOWN[self.user.name]["number"]
        self.port, home = PORTS + 1 + number, str(CLASS / "homes" / self.user.name)
        environment = self.get_env() | {
            "USER": self.user.name, "HOME": home, "SHELL": "/bin/sh", "JUPYTER_RUNTIME_DIR": str(CLASS / "run" / str(number))
        }  # fmt: skip
        request = {"user": user_of(number), "home": home, "environment": environment, "arguments": self.get_args()}
        self.pid = await asyncio.to_thread(ask, NURSERY, memory=MEMORY, **request)
        return "127.0.0.1", self.port

    def user_env(self, env):
        return env


c = get_config()  # noqa: F821 - JupyterHub gives it
c.JupyterHub.bind_url = os.environ.get("CLASS_URL", "http://:8000")
if (CLASS / "key.pem").exists():
    c.JupyterHub.ssl_key, c.JupyterHub.ssl_cert = str(CLASS / "key.pem"), str(CLASS / "cert.pem")
c.JupyterHub.db_url = f"sqlite:///{CLASS / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(CLASS / "cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(CLASS / "proxy.pid")
c.JupyterHub.hub_port = PORTS
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{PORTS + 1}"
c.ConfigurableHTTPProxy.command = [str(CLASS / "node_modules" / ".bin" / "configurable-http-proxy")]

c.JupyterHub.authenticator_class = ClassList
c.Authenticator.allowed_users = set(NAMES)
c.Authenticator.admin_users = {name for name, line in NAMES.items() if line.startswith("*")}

c.JupyterHub.spawner_class = StudentSpawner
c.Spawner.default_url = "/lab/tree/notebooks/00_start_here.ipynb"
c.Spawner.http_timeout = c.Spawner.start_timeout = 300  # when all start at once, the last one waits for the others
# One thread for each kernel: there are thirty of them, and two processors.
c.Spawner.environment = {"CLASS_IDLE": str(IDLE), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

# How often it is told who does something, in time for the culler.
OFTEN = max(1, min(300, IDLE // 10))
c.JupyterHub.last_activity_interval = OFTEN
c.Spawner.environment["JUPYTERHUB_ACTIVITY_INTERVAL"] = str(OFTEN)
c.JupyterHub.load_roles = [{
    "name": "culler",
    "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    "services": ["culler"],
}]  # fmt: skip
c.JupyterHub.services = [{"name": "nursery", "command": [sys.executable, str(HERE / "nursery.py"), str(NURSERY)]}, {
    "name": "culler",
    "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE}",
                f"--cull-every={OFTEN}", f"--max-age={12 * 3600}"],
}]  # fmt: skip
