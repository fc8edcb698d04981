"""`make app`: Voila shows a notebook without its code, every panel once and alive, and its questions are judged."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec

import pytest
from lab import ROOT, browser_page, find_chromium

from pgedu.lessons import predictions

NOTEBOOK = ROOT / "notebooks" / "00_start_here.ipynb"
pytestmark = [
    pytest.mark.browser,
    # The browser's driver leaves sockets and loops to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
if find_chromium() is None:
    pytest.skip("no Chromium on this machine", allow_module_level=True)
if not (find_spec("voila") or os.environ.get("CI")):  # in CI a missing Voila is an error
    pytest.skip("no Voila: `make test` installs it", allow_module_level=True)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = open(tmp_path_factory.mktemp("voila") / "log", "w")
    command = [sys.executable, "-m", "voila", NOTEBOOK.parent, "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for(f"http://127.0.0.1:{port}", server)
        yield f"http://127.0.0.1:{port}/voila/render/{NOTEBOOK.name}"
    finally:
        server.terminate()
        server.wait(20)
        log.close()


def wait_for(address, server):
    for _ in range(300):
        try:
            return urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            assert server.poll() is None, "Voila did not start"
            time.sleep(0.2)
    raise TimeoutError(address)


def sentences():
    outputs = [output for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] for output in cell.get("outputs", [])]
    return [output["metadata"]["image/png"]["alt"] for output in outputs if "image/png" in output.get("data", {})]


def test_a_lesson_as_an_app(address):
    question, options, right, why = predictions.large_steps
    with browser_page() as page:
        page.goto(address, wait_until="domcontentloaded")
        pictures = page.locator(".pgedu-stage canvas[data-number]")
        pictures.nth(len(sentences()) - 1).wait_for(timeout=60_000)
        page.wait_for_function("() => ![...document.images].some(image => image.getClientRects().length)")
        words = page.locator("body").inner_text()
        assert pictures.count() == len(sentences()) and [words.count(each) for each in sentences()] == [1, 1, 1]
        assert "import" not in words and "still picture" not in words and words.count(question) == 1 and why not in words

        page.get_by_role("radio", name=right).check()
        step = page.get_by_role("button", name="step")
        verdict = page.get_by_text(f"✓ It held: {right}. {why}")
        for _ in range(100):  # as many steps as it takes until a panel counts as used
            if not verdict.count():
                step.click()
                page.wait_for_timeout(100)
        verdict.wait_for()
        handle = page.locator(".noUi-handle").first
        handle.press("End")
        page.get_by_text("Offers to about 20 of 20 a month").wait_for()
