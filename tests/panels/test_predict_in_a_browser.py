"""A prediction in JupyterLab: its group and buttons by name, answered by keyboard, judged, and kept by a second run."""

import nbformat
import pytest
from lab import browser_page, find_chromium, jupyter_lab, open_notebook, run_all

pytestmark = [
    pytest.mark.browser,
    # The browser's driver leaves sockets and loops to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
if find_chromium() is None:
    pytest.skip("no Chromium on this machine", allow_module_level=True)

QUESTION = """from pgedu.panels import predict
from pgedu.panels.predict import claim
predict("Is <b>x</b> larger?", ["it <i>falls</i>", "it rises", "it stays"], "it stays", "The line is level.")"""


def test_a_prediction_is_answered_by_keyboard_and_judged(tmp_path):
    pytest.importorskip("playwright")
    cells = [nbformat.v4.new_code_cell(source) for source in (QUESTION, "told = claim()", "_ = told and told[0]")]
    nb = nbformat.v4.new_notebook(cells=cells)
    nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(nb, tmp_path / "ask.ipynb")
    with jupyter_lab(tmp_path) as address, browser_page() as page:
        open_notebook(page, address, "ask.ipynb")
        run_all(page)
        group = page.get_by_role("group", name="Is <b>x</b> larger?")
        status = page.locator(".pgedu-predict").get_by_role("status")
        group.get_by_role("radio", name="it <i>falls</i>").focus()
        page.keyboard.press("Space")
        status.get_by_text("You said: it <i>falls</i>.").wait_for()
        page.keyboard.press("ArrowDown")  # the next answer, and not Lab's next cell
        status.get_by_text("You said: it rises.").wait_for()
        page.keyboard.press("b")  # no new cell
        assert page.locator(".jp-Notebook .jp-Cell").count() == 3

        page.locator(".jp-Cell .cm-content").nth(2).fill("told[0].used()")
        page.keyboard.press("Control+Enter")
        status.get_by_text("✗ Not yet. You said: it rises. What holds: it stays. The line is level.").wait_for()
        assert group.get_by_role("radio", disabled=True).count() == 3
        run_all(page)  # everything once more
        status.get_by_text("✗ Not yet. You said: it rises.").wait_for()
        assert group.get_by_role("radio", name="it rises").is_checked()
