"""The real thing: every notebook in JupyterLab in a headless Chromium, every panel's controls moved to both ends."""

import json
import shutil

import nbformat
import pytest
from lab import ROOT, browser_page, find_chromium, jupyter_lab, open_notebook, run_all

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
pytestmark = [
    pytest.mark.browser,
    # The browser's driver leaves sockets and loops to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
if find_chromium() is None:
    pytest.skip("no Chromium on this machine", allow_module_level=True)

PANEL_CELL = """
import gc, asyncio, ipywidgets
from pgedu import *
from pgedu.panels import *
from pgedu.panels.views import Learning

def start(rng):
    return reinforce(short_corridor(), Policy.softmax(Table(1, 2)), optimizer=SGD(0.001), rng=rng, runs=5, max_steps=50, episodes=2)

panel = watch(start, lambda figure: Learning(figure, limits=(-60, 0)).draw, first=2, learning_rate=slider(1e-4, 1.0, 0.001, log=True))
panel._play.value = True
panel
"""
COUNT_CELL = """
tasks = [task for task in asyncio.all_tasks() if "_playing" in repr(task.get_coro())]
print("tasks", len(tasks), "widgets", len(ipywidgets.widgets.widget._instances), "updates", panel.training.update)
"""
FAILING_CELL = """
def view(figure):
    def draw(height):
        if height > 5:
            raise ValueError("too high for this view")
        return f"The height is {height}."
    return draw

explore(view, height=slider(0, 10, 1))
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    for path in NOTEBOOKS:
        shutil.copy(path, folder)
    scratch = nbformat.v4.new_notebook()
    scratch.cells = [nbformat.v4.new_code_cell(source) for source in (PANEL_CELL, COUNT_CELL, FAILING_CELL)]
    scratch.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(scratch, folder / "scratch.ipynb")
    with jupyter_lab(folder) as address, browser_page() as page:
        yield address, page, folder


def cell(page, index):
    """A cell, scrolled to: JupyterLab keeps only those in sight in the page."""
    page.evaluate(f"async () => await window.jupyterapp.shell.currentWidget.content.scrollToItem({index}, 'start')")
    found = page.locator(f'.jp-Notebook [data-windowed-list-index="{index}"]')
    found.wait_for()
    return found


def cells(path):
    return list(enumerate(json.loads(path.read_text())["cells"]))


def panels(path):
    return [i for i, c in cells(path) if "widget-view" in json.dumps(c.get("outputs", []))]


def text_of(page, index):
    """Readout of the panel in a cell, or its alert."""
    return cell(page, index).locator("[role=status], [role=alert]").inner_text()


def move_everything(page, panel):
    for handle in panel.locator(".noUi-handle").all():
        for key in ("End", "Home"):
            handle.press(key)
            page.wait_for_timeout(60)
    for box in panel.locator("input[type=checkbox]").all():
        box.click(), box.click()
    for box in panel.locator("select").all():
        for option in range(box.locator("option").count()):
            box.select_option(index=option)
            page.wait_for_timeout(60)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_every_control_reaches_both_ends(lab, path):
    address, page, _ = lab
    open_notebook(page, address, path.name)
    run_all(page)
    wrong = '[data-mime-type*="stderr"], [data-mime-type*="error"]'
    errors = [index for index, _ in cells(path) if cell(page, index).locator(wrong).count()]
    assert errors == []
    assert panels(path), "a notebook without a panel"
    for index in panels(path):
        panel = cell(page, index)
        panel.locator("img").wait_for()
        play = panel.locator('button:has-text("play")')
        if play.count():
            before = text_of(page, index)
            play.click()
            page.wait_for_timeout(600)
            assert text_of(page, index) != before, "it does not play"
        move_everything(page, panel)
        if panel.locator('button:has-text("pause")').count():
            panel.locator('button:has-text("pause")').click()
        page.wait_for_timeout(500)
        assert panel.locator("[role=alert]").count() == 0, text_of(page, index)
        assert panel.locator("[role=status]").count() == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_small_laptop_needs_no_sideways_scrolling(lab, path):
    address, page, _ = lab
    page.set_viewport_size({"width": 1024, "height": 700})
    try:
        open_notebook(page, address, path.name)
        run_all(page)
        for index in panels(path):
            output = cell(page, index).locator(".jp-OutputArea-output").last
            output.locator("img").wait_for()
            wide, visible = output.evaluate("e => [e.scrollWidth, e.clientWidth]")
            assert wide <= visible + 1
    finally:
        page.set_viewport_size({"width": 1300, "height": 900})


@pytest.mark.parametrize("path", NOTEBOOKS[:1], ids=lambda path: path.stem)
def test_before_the_first_run_there_are_pictures_and_no_error_box(lab, path):
    address, page, _ = lab
    open_notebook(page, address, path.name)
    for index in panels(path):
        found = cell(page, index)
        found.locator("img").first.wait_for()
        assert "model not found" not in found.inner_text().lower()


def run_cell(page, index):
    page.evaluate(
        """async index => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            notebook.deselectAll();
            notebook.activeCellIndex = index;
            await window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        index,
    )


def counts(page):
    run_cell(page, 1)
    words = cell(page, 1).locator(".jp-OutputArea-output").inner_text().split()
    return dict(zip(words[::2], map(int, words[1::2])))


def test_running_a_cell_fifty_times_leaves_one_task_and_no_more_widgets(lab):
    address, page, _ = lab
    open_notebook(page, address, "scratch.ipynb")
    run_cell(page, 0)
    page.wait_for_timeout(300)
    first = counts(page)
    for _ in range(50):
        run_cell(page, 0)
    page.wait_for_timeout(300)
    last = counts(page)
    assert first["tasks"] == last["tasks"] == 1
    assert last["widgets"] == first["widgets"]


def test_interrupting_the_kernel_pauses_and_leaves_everything_usable(lab):
    address, page, _ = lab
    open_notebook(page, address, "scratch.ipynb")
    run_cell(page, 0)
    cell(page, 0).locator('button:has-text("pause")').wait_for()
    page.evaluate("async () => await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    cell(page, 0).locator('button:has-text("play")').wait_for()
    before = counts(page)
    assert before["tasks"] == 0
    cell(page, 0).locator('button:has-text("play")').click()
    page.wait_for_timeout(500)
    assert counts(page)["updates"] > before["updates"]
    cell(page, 0).locator('button:has-text("pause")').click()


def test_an_exception_in_a_callback_is_seen(lab):
    address, page, _ = lab
    open_notebook(page, address, "scratch.ipynb")
    run_cell(page, 0), run_cell(page, 2)
    found = cell(page, 2)
    handle = found.locator(".noUi-handle")
    handle.press("End")
    found.locator("[role=alert]").wait_for()
    assert "too high for this view" in found.locator("[role=alert]").inner_text()
    handle.press("Home")
    found.locator("[role=status]").wait_for()
    assert "The height is 0" in found.locator("[role=status]").inner_text()
