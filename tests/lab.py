"""JupyterLab in a headless Chromium, for the browser tests and the benchmarks."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOKEN = "only-for-this-test"
# Without these, Chromium looks for its maker's servers at every start.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]  # fmt: skip


def find_chromium():
    """Path of a Chromium or Chrome, or None. PGEDU_CHROMIUM names one; in CI a missing one is an error."""
    named = os.environ.get("PGEDU_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
    if found is None and os.environ.get("CI"):
        raise RuntimeError("no Chromium found: install one, or name it in PGEDU_CHROMIUM (CI does not skip its tests)")
    return found


@contextlib.contextmanager
def jupyter_lab(folder):
    """Serve `folder` on a free port; gives the address of its Lab, without the token."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--port={port}",
               f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}",
               "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True",
               "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JUPYTERLAB_SETTINGS_DIR": str(_settings(folder))}
    log = open(Path(folder) / ".lab.log", "w")
    server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(f"{address}/api?token={TOKEN}", server)
        yield address
    finally:
        server.terminate()
        server.wait(20)
        log.close()


def _settings(folder):
    """User settings without the question about news, which would cover the page."""
    settings = Path(folder) / ".settings"
    extension = settings / "@jupyterlab" / "apputils-extension"
    extension.mkdir(parents=True, exist_ok=True)
    (extension / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    return settings


def _wait_until_up(address, server, seconds=60):
    deadline = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < deadline:
        try:
            return urllib.request.urlopen(address, timeout=5)
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("JupyterLab did not start; see .lab.log in its folder")


@contextlib.contextmanager
def browser_page(width=1300, height=900, ratio=1):
    """A page of a headless Chromium, on a screen with that many pixels for each CSS pixel."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), headless=True, args=FLAGS)
        try:
            yield browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=ratio)
        finally:
            browser.close()


def open_notebook(page, address, name, app="lab/tree"):
    """Open a notebook in JupyterLab with the side bar closed, or in Notebook 7 ("notebooks"), and wait for its kernel."""
    page.goto(f"{address}/{app}/{name}?token={TOKEN}&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.wait_for_function(
        """() => { const panel = window.jupyterapp?.shell.currentWidget;
                   return panel?.sessionContext?.session?.kernel?.status === 'idle' && panel.sessionContext.isReady }""",
        timeout=60_000,
    )
    if app == "lab/tree" and page.locator("#jp-left-stack").is_visible():
        page.evaluate("window.jupyterapp.shell.collapseLeft()")


def run_all(page):
    """Run every cell; returns when the last one has run."""
    page.evaluate("async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells') }")


def cell(page, index):
    """A cell, scrolled to: JupyterLab keeps only those in sight in the page."""
    page.evaluate(f"async () => await window.jupyterapp.shell.currentWidget.content.scrollToItem({index}, 'start')")
    found = page.locator(f'.jp-Notebook [data-windowed-list-index="{index}"]')
    found.wait_for()
    return found
