"""Panels, predictions and pages for those who see little, use no mouse or want no motion; and that the look at them can fail."""

import importlib.util

import nbformat
import pytest
from access import all_in_sight, walk, wrong_by_axe
from lab import ROOT, browser_page, find_chromium, jupyter_lab, open_notebook, run_all

from pgedu.lessons import grade_page
from pgedu.lessons.grade import Row

pytestmark = [
    pytest.mark.browser,
    # The browser's driver leaves sockets and loops to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
if find_chromium() is None:
    pytest.skip("no Chromium on this machine", allow_module_level=True)

PANEL = """from pgedu.panels import choice, explore, predict, slider, switch
def view(figure):
    axes = figure.subplots()
    axes.set(xlim=(0, 10), ylim=(0, 1))
    (dot,) = axes.plot([5], [0.5], "o")
    def draw(p, rate, kind, on):
        dot.set_data([p], [0.5])
        return f"Now p = {p}, rate = {rate:.1f}, {kind}, {on}."
    return draw
explore(view, p=slider(0, 10, 5, along="x"), rate=slider(0.1, 10.0, 1.0, log=True), kind=choice(["red", "blue"]), on=switch())"""
QUESTION = """predict("Is it so?", ["yes", "no"], "yes", "It is.")"""
LIVE = ".jp-Notebook .pgedu-live"
RING = "e => { const style = getComputedStyle(e); return [style.outlineStyle, style.outlineWidth, style.outlineColor] }"
BLUE = ["solid", "3px", "rgb(26, 115, 232)"]  # on white 4.5:1, on the dark theme's ground 4.2:1


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (PANEL, QUESTION)])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(nb, folder / "access.ipynb")
    with jupyter_lab(folder) as address, browser_page() as page:
        yield address, page


@pytest.fixture
def page(lab):
    address, page = lab
    if page.evaluate("window.intact"):  # the test before has broken nothing
        yield page
        return
    open_notebook(page, address, "access.ipynb")
    run_all(page)
    page.locator(".pgedu-stage canvas[data-number]").wait_for()
    page.locator(".pgedu-knob").wait_for()
    page.locator(".pgedu-predict input").first.wait_for()
    page.evaluate("window.intact = true")
    yield page


# What is broken on purpose -> the rule that must notice it, in the cell where it is.
BROKEN = {
    "document.querySelector('.pgedu-words').style.color = '#999'": (0, "color-contrast"),
    "document.querySelector('.noUi-handle').removeAttribute('aria-label')": (0, "aria-input-field-name"),
    "document.querySelector('.widget-readout').removeAttribute('aria-label')": (0, "aria-input-field-name"),
    "document.querySelector('.pgedu-knob').setAttribute('role', 'slidr')": (0, "aria-roles"),
    "document.querySelector('.pgedu-stage canvas').removeAttribute('aria-label')": (0, "role-img-alt"),
    "document.querySelector('.pgedu-live button').replaceChildren(); document.querySelector('.pgedu-live button').title = ''":
        (0, "button-name"),
    "document.querySelector('.widget-dropdown label').remove()": (0, "select-name"),
    "document.querySelector('.pgedu-predict label').replaceChildren(document.querySelector('.pgedu-predict input'))": (1, "label"),
    "document.querySelector('.pgedu-predict').style.display = 'none'": (1, "axe-core saw nothing of it"),
}  # fmt: skip


def test_axe_finds_nothing_and_would_find_what_is_broken(page):
    with all_in_sight(page):
        for theme in ("JupyterLab Dark", "JupyterLab Light"):
            page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
            light = str(theme == "JupyterLab Light").lower()
            page.locator(f'body[data-jp-theme-light="{light}"]').wait_for()
            page.locator("#jupyterlab-splash").wait_for(state="detached")
            wrong = wrong_by_axe(page, LIVE)
            assert not wrong, "\n".join(wrong)
        page.evaluate("window.intact = false")
        for breaking, (cell, rule) in BROKEN.items():
            page.evaluate(f"() => {{ {breaking} }}")
            wrong = wrong_by_axe(page, LIVE)
            assert any(sentence.startswith(f"cell {cell}") and rule in sentence for sentence in wrong), (rule, wrong)


def test_a_walk_with_tab_sees_order_rings_and_traps(page):
    panel, press = page.locator(".pgedu-live").first, page.locator(".pgedu-live button")
    assert walk(page, panel) == []
    page.evaluate("window.intact = false")
    assert [page.evaluate("window.walked.map(each => each.name)")[i] for i in (0, 1, -2)] == ["p", "value of p", "p"]
    press.evaluate("button => { button.style.setProperty('outline', 'none', 'important') }")
    assert walk(page, panel) == ["pin has the focus, and it is not seen"]
    press.evaluate("button => { button.style.order = -1; button.removeAttribute('style') }")
    page.evaluate("document.querySelector('.pgedu-live').prepend(document.querySelector('.pgedu-picture').parentElement)")
    assert "Tab goes from p back to p" in walk(page, panel)
    trap = "e => e.addEventListener('keydown', event => event.key === 'Tab' && event.preventDefault())"
    panel.locator(".noUi-handle").last.evaluate(trap)
    assert any("Tab does not leave the panel: it is caught in rate" in sentence for sentence in walk(page, panel))


def test_states_are_told_and_titles_say_something(page):
    pin = page.get_by_role("button", name="pin")
    for pressed in ("true", "false"):
        pin.press("Space")
        page.locator(f'.pgedu-live button[aria-pressed="{pressed}"]').wait_for()
    assert page.locator(".pgedu-live [title=null]").count() == 0
    box = page.get_by_role("textbox", name="value of rate")
    box.focus()
    assert box.evaluate(RING) == BLUE
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    page.get_by_role("status").get_by_text("rate = 3.2").wait_for(timeout=5000)  # on its grid


def test_a_prediction_shows_its_focus_and_is_large_enough_for_a_hand(page):
    first = page.locator(".pgedu-predict input").first
    first.focus()
    page.keyboard.press("Space")
    page.get_by_role("status").get_by_text("You said: yes.").wait_for()
    assert first.evaluate(RING) == BLUE
    large = "all => all.every(e => { const box = e.getBoundingClientRect(); return Math.min(box.width, box.height) >= 24 })"
    assert page.locator(".pgedu-predict label, .pgedu-live .noUi-touch-area").evaluate_all(large)


def test_nothing_moves_that_nobody_has_asked_for(page):
    """A click on a track lets ipywidgets' handle glide there; who wants no motion sees it jump."""
    gliding = """() => document.getAnimations().filter(each => each.effect.target.closest('.pgedu-live')).length"""
    track, seen = page.locator(".pgedu-live .noUi-base").first, []
    for motion, share in (("no-preference", 0.9), ("reduce", 0.1)):
        page.emulate_media(reduced_motion=motion)
        track.scroll_into_view_if_needed()
        page.wait_for_function("() => !document.querySelector('.noUi-state-tap')")
        box = track.bounding_box()
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        page.mouse.down()
        seen.append(page.evaluate(gliding))
        page.mouse.up()
        page.get_by_role("status").get_by_text(f"Now p = {round(10 * share)},").wait_for(timeout=5000)
    page.emulate_media(reduced_motion="no-preference")
    assert seen[0] > 0 and seen[1] == 0


def test_handles_and_tracks_are_seen_where_the_system_sets_the_colours(page):
    page.emulate_media(forced_colors="active")
    for part in (".pgedu-knob", ".pgedu-live .noUi-handle"):
        border, ground = page.locator(part).first.evaluate("e => { const s = getComputedStyle(e); return [s.borderTopColor, s.borderTopWidth] }")
        assert (border, ground) == ("rgb(0, 0, 0)", "3px")
    page.locator(".pgedu-knob").press("ArrowRight")
    assert page.locator(".pgedu-knob").evaluate(RING)[:2] == ["solid", "3px"]
    page.emulate_media(forced_colors="none")


@pytest.mark.parametrize("width", [640, 320])
def test_controls_fit_a_narrow_page_as_it_is_when_enlarged(page, width):
    """640 pixels are left of 1280 at 200 %, 320 at 400 %; of those, JupyterLab's own frame takes about 130."""
    usual = page.viewport_size
    page.set_viewport_size({"width": width, "height": 900})
    try:
        wide, visible = page.locator(".pgedu-live").first.evaluate("e => [e.scrollWidth, e.clientWidth]")
        assert wide <= visible + 1
        assert min(track.bounding_box()["width"] for track in page.locator(".pgedu-live .noUi-base").all()) >= 80
    finally:
        page.set_viewport_size(usual)


def saved_page(folder):
    """A notebook as `make pages` writes it."""
    spec = importlib.util.spec_from_file_location("save_pages", ROOT / ".ci" / "save_pages.py")
    save_pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(save_pages)
    assert save_pages.save(ROOT / "notebooks" / "01_bandits.ipynb", folder)
    return folder / "01_bandits.html"


def page_of_grades(folder):
    """What a teacher is shown, with a row of each kind."""
    kinds = [status for status in grade_page.SIGNS if status != "no notebook"]
    rows = [Row("Ada", "a.ipynb", "01_bandits", f"task {kind}", kind, "Given `x`, it is 2.", "late") for kind in kinds]
    rows.append(Row("Bo", "b.txt", "", "", "no notebook", "It is no JSON.", ""))
    (folder / "grades.html").write_text(grade_page.page(rows), encoding="utf-8")
    return folder / "grades.html"


@pytest.mark.parametrize("write", [saved_page, page_of_grades], ids=lambda write: write.__name__)
def test_pages_of_their_own_keep_the_rules_too(lab, tmp_path, write):
    page = lab[1].context.browser.new_page(viewport={"width": 1300, "height": 900})
    page.goto(write(tmp_path).as_uri())
    wrong = wrong_by_axe(page, "html")
    page.close()
    assert not wrong, "\n".join(wrong)
