"""The second opening: run all, save, stop the server, come back the next day. Never an error box, always picture and words."""

import json

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

PANEL = """print("printed before")
from pgedu.panels import explore, slider
def view(figure):
    (line,) = figure.add_subplot(xlim=(0, 1), ylim=(0, 1)).plot([], [])
    def draw(slope):
        line.set_data([0, 1], [0, slope])
        return f"The line ends at {slope:.1f}."
    return draw
explore(view, slope=slider(0.0, 1.0, 0.5, step=0.1, along="y"))"""
SENTENCE = "The line ends at 0.5."
APPS = ["lab/tree", "notebooks"]


def save(page):
    page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save') }")


def the_notebook(folder, state):
    """Run it in JupyterLab, save it, and stop the server. `state`: whether the state of its widgets is saved, too."""
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(PANEL), nbformat.v4.new_code_cell("print('the end')")])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    path = folder / "yesterday.ipynb"
    nbformat.write(nb, path)
    with jupyter_lab(folder) as address, browser_page() as page:
        open_notebook(page, address, path.name)
        if state:
            page.evaluate("""async () => { await window.jupyterapp.commands.execute(
                '@jupyter-widgets/jupyterlab-manager:saveWidgetState') }""")
        run_all(page)
        page.locator(".pgedu-stage canvas[data-number]").wait_for()
        shown = page.locator(".jp-OutputArea").first.inner_text()
        save(page)
    assert shown.count(SENTENCE) == 1 and "still picture" not in shown  # not the still one beside the live one
    saved = json.loads(path.read_text())
    assert bool(saved["metadata"].get("widgets")) == state and len(saved["cells"][0]["outputs"]) == 4
    return path


@pytest.fixture(scope="module", params=[False, True], ids=["without state", "with state"])
def yesterday(request, tmp_path_factory):
    """(folder, data): where the notebook lies, and where the server that ran it has noted that it trusts it."""
    folder, data = tmp_path_factory.mktemp("yesterday"), tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_DATA_DIR", str(data))
        the_notebook(folder, request.param)
    return folder, data


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "untrusted"])
def test_the_next_day_there_are_picture_and_words_and_after_a_run_the_panel(yesterday, trusted, tmp_path, monkeypatch):
    folder, data = yesterday
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(data if trusted else tmp_path))
    with jupyter_lab(folder) as address, browser_page() as page:
        for app in APPS:
            open_notebook(page, address, "yesterday.ipynb", app)
            output = page.locator(".jp-Cell .jp-OutputArea").first
            pictures = output.locator("img:visible, .pgedu-stage canvas[data-number]:visible")
            pictures.first.wait_for()
            page.wait_for_timeout(3000)  # an error box would take its time
            assert pictures.count() == 1
            words = output.inner_text()
            assert words.count(SENTENCE) == 1 and "printed before" in words
            assert "not found" not in words and "Error" not in words and "Loading" not in words
            run_all(page)
            output.locator(".pgedu-stage canvas[data-number]").wait_for()
            assert output.locator("img:visible").count() == 0 and output.inner_text().count(SENTENCE) == 1
            knob = output.get_by_role("slider", name="slope").last
            knob.press("ArrowUp")
            output.get_by_text("The line ends at 0.6.").wait_for()


def test_what_would_answer_a_prediction_is_collapsed_until_its_cell_is_run(tmp_path):
    """The panel and the numbers below a question: JupyterLab and Notebook 7 honour what the file says, until the run."""
    output = nbformat.v4.new_output("stream", text="the answer\n")
    cell = nbformat.v4.new_code_cell("print('the answer')", outputs=[output], execution_count=1)
    cell.metadata["jupyter"] = {"outputs_hidden": True}
    nb = nbformat.v4.new_notebook(cells=[cell])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(nb, tmp_path / "question.ipynb")
    with jupyter_lab(tmp_path) as address, browser_page() as page:
        for app in APPS:
            open_notebook(page, address, "question.ipynb", app)
            page.locator(".jp-Placeholder").wait_for()
            assert page.locator(".jp-OutputArea-output:visible").count() == 0
            run_all(page)
            page.locator(".jp-OutputArea-output:visible").get_by_text("the answer").wait_for()
