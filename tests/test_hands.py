"""Hands on the picture, in JupyterLab and in Notebook 7: mouse, finger, keys, screen readers, dense screens, closed pages."""

import re

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

PANEL = """from pgedu.panels import explore, slider
def view(figure):
    left, right = figure.subplots(1, 2)
    left.set(xlim=(0, 10), ylim=(0, 1))
    right.set(xlim=(0.01, 100), ylim=(-1, 1), xscale="log")
    (dot,) = left.plot([], [], "o", gid="p")
    (cross,) = right.plot([], [], "+")
    def draw(p, rate, level):
        dot.set_data([p], [0.5])
        cross.set_data([rate], [level])
        return f"Now p = {p:.0f}, rate = {rate:.3g}, level = {level:.2f}."
    return draw
rate = slider(0.01, 100.0, 1.0, log=True, along=(1, "x"))
explore(view, p=slider(0, 10, 5, along="x"), rate=rate, level=slider(-1.0, 1.0, 0.0, step=0.1, along=(1, "y")))"""
PLAYER = """from pgedu.panels import watch
import itertools
def counter(figure):
    (dot,) = figure.subplots().plot([0], [0], "o")
    def draw(new):
        dot.set_data([len(new)], [0])
        return f"The last one was {new[-1] if new else 0}."
    return draw
player = watch(itertools.count, counter, first=1, speed=1)
player"""
ASKED = 'print("playing", player._play.value, "pictures", player._picture.number)'
APPS = ["lab/tree", "notebooks"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (PANEL, PLAYER, ASKED)])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(nb, folder / "hands.ipynb")
    with jupyter_lab(folder) as address:
        yield address


@pytest.fixture(params=APPS)
def page(lab, request):
    with browser_page() as page:
        yield opened(page, lab, request.param)


def opened(page, address, app):
    open_notebook(page, address, "hands.ipynb", app)
    run_all(page)
    page.locator(".pgedu-stage canvas[data-number]").first.wait_for()
    page.locator(".pgedu-knob").first.wait_for()
    return page


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def words(page):
    return page.locator(".pgedu-words").first


def wait_for(page, pattern):
    words(page).filter(has_text=re.compile(pattern)).wait_for(timeout=5_000)


def drag(page, knob, dx, dy, steps=10):
    x, y = middle(knob)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=steps)
    page.mouse.up()


def test_mouse_and_slider_move_the_same_value(page):
    knob = page.get_by_role("slider", name="p", exact=True).last
    zone = page.locator(".pgedu-zone").first.bounding_box()
    drag(page, knob, 0.2 * zone["width"], 30)
    wait_for(page, r"p = 7,")
    assert page.locator(".widget-readout").first.inner_text() == "7"
    page.locator(".noUi-handle").first.press("ArrowLeft")
    wait_for(page, r"p = 6,")
    assert middle(knob)[0] == pytest.approx(zone["x"] + 0.6 * zone["width"], abs=3)
    page.mouse.click(zone["x"] + 0.1 * zone["width"], zone["y"] + 20)  # anywhere in the plot
    wait_for(page, r"p = 1,")


def test_both_ends_by_drag_and_a_point_in_a_plane(page):
    p, point = page.locator(".pgedu-knob").all()
    for dx, end in ((2000, "10"), (-2000, "0")):
        drag(page, p, dx, 0)
        wait_for(page, f"p = {end},")
    for dx, dy, end in ((900, -900, r"rate = 100, level = 1\.00"), (-900, 900, r"rate = 0\.01, level = -1\.00")):
        drag(page, point, dx, dy)
        wait_for(page, end)


def test_arrow_keys_home_and_end(page):
    p, point = page.locator(".pgedu-knob").all()
    for key, now in (("ArrowUp", 6), ("ArrowLeft", 5), ("PageUp", 10), ("Home", 0), ("End", 10)):
        p.press(key)
        wait_for(page, f"p = {now},")
    point.press("ArrowUp")
    wait_for(page, r"level = 0\.10")
    point.press("ArrowRight")
    wait_for(page, r"rate = 1\.[12]")
    point.press("End")
    wait_for(page, r"rate = 100, level = 1\.00")
    assert page.evaluate("document.activeElement.classList.contains('pgedu-knob')")  # and the notebook moved no cell


def test_a_finger(page):
    session = page.context.new_cdp_session(page)
    x, y = middle(page.locator(".pgedu-knob").first)
    zone = page.locator(".pgedu-zone").first.bounding_box()
    for kind, points in (("touchStart", [x]), *(("touchMove", [x + k * zone["width"] / 100]) for k in range(0, 31, 3))):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": each, "y": y} for each in points]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    wait_for(page, r"p = 8,")


def test_screen_readers_hear_the_sentence_and_the_handles(page):
    page.locator(".pgedu-knob").first.press("ArrowRight")
    wait_for(page, r"p = 6,")
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    said = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if "role" in node]
    pictures = [name for role, name in said if role in ("image", "img")]
    assert "Now p = 6, rate = 1, level = 0.00." in pictures
    assert ("slider", "p") in said and ("slider", "rate and level") in said
    point = page.get_by_role("slider", name="rate and level")
    assert point.get_attribute("aria-valuetext") == "rate = 1, level = 0"


def test_sliders_have_a_name_and_tell_their_value_not_its_logarithm(page):
    slider = page.get_by_role("slider", name="rate", exact=True)
    assert slider.get_attribute("aria-valuetext") == "1.0"
    slider.press("Home")
    wait_for(page, r"rate = 0.01,")
    page.wait_for_function("element => element.getAttribute('aria-valuetext') === '0.010'", arg=slider.element_handle())


def test_sliders_share_the_width_of_the_picture(page):
    bar, picture = page.locator(".pgedu-live > .widget-box").first.bounding_box(), page.locator("canvas").first.bounding_box()
    tracks = [track.bounding_box()["width"] for track in page.locator(".pgedu-live .widget-slider .noUi-target").all()[:3]]
    assert abs(bar["width"] - picture["width"]) <= 1 and min(tracks) > 0.3 * picture["width"]


def test_two_hundred_moves_leave_no_queue(page):
    p, zone = page.locator(".pgedu-knob").first, page.locator(".pgedu-zone").first.bounding_box()
    page.mouse.move(*middle(p))
    page.mouse.down()
    for i in range(200):
        page.mouse.move(zone["x"] + zone["width"] * (i % 40) / 40, zone["y"] + 50)
        page.wait_for_timeout(10)
    page.mouse.move(zone["x"] + 0.301 * zone["width"], zone["y"] + 50)
    wait_for(page, r"p = 3,")
    before = page.locator("canvas").first.get_attribute("data-number")
    page.wait_for_timeout(500)
    assert page.locator("canvas").first.get_attribute("data-number") == before
    assert page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status") == "idle"
    for _ in range(3):  # and from the same place to the same place
        page.mouse.move(zone["x"] + 0.302 * zone["width"], zone["y"] + 51)
        page.mouse.move(zone["x"] + 0.301 * zone["width"], zone["y"] + 50)
    page.mouse.move(zone["x"] + 0.9 * zone["width"], zone["y"] + 50)
    wait_for(page, r"p = 9,")
    page.mouse.up()


@pytest.mark.parametrize("ratio", [1, 1.25, 2])
@pytest.mark.parametrize("width", [1300, 1024, 700])
def test_a_picture_has_a_dot_for_every_dot_of_the_screen(lab, ratio, width):
    with browser_page(width, 900, ratio) as page:
        opened(page, lab, "lab/tree")
        page.wait_for_function(
            """ratio => { const canvas = document.querySelector('.pgedu-stage canvas');
                         const box = canvas.getBoundingClientRect();
                         return Math.abs(canvas.width - box.width * ratio) <= 1 && Math.abs(canvas.height - box.height * ratio) <= 1 }""",
            arg=ratio,
            timeout=5_000,
        )


def asked(page):
    """(whether the player plays, how many pictures it has sent), from the kernel."""
    page.evaluate(
        """async () => { const notebook = window.jupyterapp.shell.currentWidget.content;
                         notebook.deselectAll(); notebook.activeCellIndex = 2;
                         await window.jupyterapp.commands.execute('notebook:run-cell'); }"""
    )
    page.wait_for_timeout(300)
    said = page.locator(".jp-OutputArea-output", has_text="pictures").last.inner_text().split()
    return said[1] == "True", int(said[3])


def test_a_player_rests_while_hidden_and_stops_when_its_page_is_closed(lab):
    with browser_page() as page:
        opened(page, lab, "lab/tree")
        page.locator('button:has-text("play")').click()
        page.wait_for_timeout(1000)
        page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
                      "document.dispatchEvent(new Event('visibilitychange'))")  # fmt: skip
        page.wait_for_timeout(500)
        playing, pictures = asked(page)
        page.wait_for_timeout(1500)
        assert playing and asked(page) == (True, pictures)
        page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_timeout(1500)
        playing, later = asked(page)
        assert playing and later > pictures + 10
    with browser_page() as page:  # the first page has gone without a word
        open_notebook(page, lab, "hands.ipynb")
        _, closed = asked(page)
        page.wait_for_timeout(8000)
        playing, after = asked(page)
        assert not playing and after <= closed + 8
