"""What a page gives those who cannot see it well, or use no mouse: the rules of axe-core, and a walk with the Tab key."""

import contextlib
from importlib.resources import files

# axe-core comes in the wheel of axe-playwright-python, so that nothing is loaded from elsewhere; it is put into a page
# once, and not again for each look as that package's own `run` would.
AXE = files("axe_playwright_python") / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What axe-core takes for invisible, though it is not: what JupyterLab's body of no height does not hide, and cells that
# are out of sight. Then it would check nothing, and find nothing. Through the arrow of a list it cannot see the ground.
SEEN_BY_AXE = """body { overflow: visible !important; height: 100vh !important; }
.jp-Notebook .jp-Cell { content-visibility: visible !important; }
.pgedu-live select { background-image: none !important; }"""

# A sentence for each thing that is wrong, or that axe-core could not judge; `ours` are the parts of the page that are ours.
LOOK = """async ([ours, tags]) => {
    const checks = {'color-contrast': {options: {ignoreUnicode: false, ignoreLength: true}}};  // signs of formulas, too
    const parts = {include: [[ours]], exclude: [['math mo[stretchy]']]};  // a bar over a letter lies on it
    const found = await axe.run(parts, {runOnly: tags, checks, elementRef: true});
    const place = part => `cell ${part.closest('[data-windowed-list-index]')?.dataset.windowedListIndex ?? '(none)'}`;
    const why = node => [...node.any, ...node.all, ...node.none].map(check => check.message).join('; ');
    const told = [...found.violations, ...found.incomplete].flatMap(rule => rule.nodes.map(node =>
        `${place(node.element)}, ${rule.id}: ${node.html.slice(0, 200)}: ${why(node)}`));
    const read = [...found.passes, ...found.violations].filter(rule => rule.id === 'color-contrast');
    const words = read.flatMap(rule => rule.nodes.map(node => node.element));
    for (const part of document.querySelectorAll(ours))
        if (!words.some(word => part.contains(word))) told.push(`${place(part)}: axe-core saw nothing of it`);
    return told;
}"""

# What takes the focus by Tab, in the order of the page; from now on, each that has it is written down, and how that is seen.
STOPS = """panel => {
    const all = 'button, input, select, textarea, a[href], [tabindex], [contenteditable]';
    const stops = [...panel.querySelectorAll(all)].filter(each =>
        (each.tabIndex >= 0 || each.isContentEditable) && !each.disabled && each.checkVisibility());
    const name = each => each.ariaLabel || each.labels?.[0]?.innerText || each.innerText || each.outerHTML.slice(0, 150);
    window.walked = [];
    const write = ({target}) => {
        const style = getComputedStyle(target), ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
        window.walked.push({stop: stops.indexOf(target), ring, name: name(target)});
    };
    document.addEventListener('focusin', write);
    window.walkIsOver = () => document.removeEventListener('focusin', write);
    document.activeElement.blur(); // where the last walk ended may be where this one begins
    stops[0].focus();
    return stops.map(each => ({box: each.getBoundingClientRect().toJSON(), inPicture: each.matches('.pgedu-knob'), name: name(each)}));
}"""


def wrong_by_axe(page, ours):
    """A sentence for each rule of axe-core that an element breaks, with its cell, and for each part that it does not see."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    return page.evaluate(LOOK, [ours, TAGS])


@contextlib.contextmanager
def all_in_sight(page):
    """A window so tall that a whole notebook is in sight at once."""
    usual = page.viewport_size
    style = page.add_style_tag(content=SEEN_BY_AXE)
    tall = page.locator(".jp-WindowedPanel-viewport").evaluate("notebook => notebook.scrollHeight")
    page.set_viewport_size(usual | {"height": tall + 500})
    page.locator(".jp-WindowedPanel-outer").evaluate("notebook => { notebook.scrollTop = 0 }")
    try:
        yield
    finally:
        style.evaluate("style => style.remove()")
        page.set_viewport_size(usual)


def walk(page, panel):
    """Tab through a panel, from its first control until the focus has left it; a sentence for each thing that is wrong."""
    stops = panel.evaluate(STOPS)
    for _ in stops:
        page.keyboard.press("Tab")
    walked = page.evaluate("() => { window.walkIsOver(); return window.walked }")
    wrong = [f"{each['name']} has the focus, and it is not seen" for each in walked[1:] if each["stop"] >= 0 and not each["ring"]]
    if [each["stop"] for each in walked[: len(stops)]] != list(range(len(stops))):
        wrong.append(f"Tab goes to {[each['name'] for each in walked]} instead of {[each['name'] for each in stops]}")
    if walked[-1]["stop"] >= 0:
        wrong.append(f"Tab does not leave the panel: it is caught in {walked[-1]['name']}")
    for before, after in zip(stops, stops[1:]):
        if not _as_read(before, after):
            wrong.append(f"Tab goes from {before['name']} back to {after['name']}")
    return wrong


def _as_read(before, after):
    """Whether a stop is seen after another one: further to the right, or below. Handles come after what is above the picture."""
    if before["inPicture"] or after["inPicture"]:
        return after["inPicture"]
    return after["box"]["top"] >= before["box"]["bottom"] - 4 or after["box"]["left"] >= before["box"]["left"]
