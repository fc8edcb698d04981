"""Pages made from the notebooks are complete in themselves: pictures, their words and formulas, and nothing to fetch."""

import html
import importlib.util
import json
import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from lab import browser_page, find_chromium

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# What browsers draw (MathML Core), and menclose, which the page's own style draws.
DRAWN = set("math mrow mi mn mo mtext mspace mfrac msqrt msub msup msubsup munder mover munderover mstyle menclose".split())

spec = importlib.util.spec_from_file_location("save_pages", ROOT / ".ci" / "save_pages.py")
save_pages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(save_pages)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("build") / "pages"
    assert all([save_pages.save(path, folder) for path in NOTEBOOKS])
    return folder


@pytest.fixture(scope="module")
def pages(folder):
    return {path: (folder / f"{path.stem}.html").read_text(encoding="utf-8") for path in NOTEBOOKS}


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def sentences(path):
    """The words of every picture in a notebook, as its file has them."""
    outputs = [output for cell in cells(path) for output in cell.get("outputs", [])]
    return [output["metadata"]["image/png"]["alt"] for output in outputs if "image/png" in output.get("data", {})]


each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@each_notebook
def test_there_is_nothing_to_fetch(pages, path):
    soup = BeautifulSoup(pages[path], "html.parser")
    assert soup.find_all(["script", "link", "iframe", "object", "embed", "audio", "video", "base"]) == []
    loaded = [tag[name] for tag in soup.find_all(True) for name in ("src", "srcset", "data", "poster") if tag.has_attr(name)]
    styles = "\n".join([style.string for style in soup.find_all("style")] + [tag["style"] for tag in soup.select("[style]")])
    loaded += [address.strip("\"' ") for address in re.findall(r"url\(([^)]*)\)", styles)]
    assert len(loaded) > 50 and all(address.startswith("data:image/") for address in loaded)
    assert "@import" not in styles


@each_notebook
def test_what_is_collapsed_in_the_notebook_is_folded_in_its_page(pages, path):
    hidden = [cell for cell in cells(path) if cell["metadata"].get("jupyter", {}).get("outputs_hidden")]
    folded = BeautifulSoup(pages[path], "html.parser").find_all("details")
    assert len(folded) == len(hidden)
    for cell, part in zip(hidden, folded):
        words = [text for output in cell["outputs"] for text in output.get("text", [])]
        words += [output["metadata"]["image/png"]["alt"] for output in cell["outputs"] if "image/png" in output.get("data", {})]
        assert words and all(word.strip() in html.unescape(str(part)) for word in words)


@each_notebook
def test_pictures_have_their_sentences_once_for_the_ear_and_once_for_the_eye(pages, path):
    soup = BeautifulSoup(pages[path], "html.parser")
    assert [picture["alt"] for picture in soup.find_all("img")] == sentences(path) != []
    assert [words.get_text() for words in soup.select(".pgedu-still-of-picture p")] == sentences(path)


@each_notebook
def test_every_formula_is_drawn_by_the_browser(pages, path):
    text = "\n\n".join("".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "markdown")
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)
    lines = re.findall(r"\$\$.+?\$\$", text, re.S)
    between_words = re.findall(r"\$.+?\$", re.sub(r"\$\$.+?\$\$", "", text, flags=re.S), re.S)
    formulas = BeautifulSoup(pages[path], "html.parser").find_all("math")
    assert len(formulas) == len(lines) + len(between_words) > 0
    assert len([formula for formula in formulas if formula["display"] == "block"]) == len(lines)
    tags = [tag for formula in formulas for tag in (formula, *formula.find_all(True))]
    assert {tag.name for tag in tags} <= DRAWN
    assert {tag.get("mathvariant", "normal") for tag in tags} == {"normal"}
    assert not [formula for formula in formulas if "\\" in formula.get_text() or "$" in formula.get_text()]


@each_notebook
def test_links_lead_to_pages_and_to_files_that_are_there(folder, pages, path):
    links = [link["href"] for link in BeautifulSoup(pages[path], "html.parser").find_all("a")]
    links = [link for link in links if "://" not in link and not link.startswith("#")]
    assert links and all((folder / link).exists() for link in links)
    source = "".join("".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "markdown")
    assert {link for link in links if link.endswith(".html")} == {
        f"{name}.html" for name in re.findall(r"\]\((\w+)\.ipynb\)", source)
    }


@pytest.mark.parametrize("url, expected", [
    ("01_bandits.ipynb", "01_bandits.html"), ("01_bandits.ipynb#Exercises", "01_bandits.html#Exercises"),
    ("../pgedu/worlds/mdp.py", "../../pgedu/worlds/mdp.py"), ("images/panel.png", "../../notebooks/images/panel.png"),
    ("#Exercises", "#Exercises"), ("https://example.org/a.ipynb", "https://example.org/a.ipynb"),
])  # fmt: skip
def test_links_are_rewritten_only_where_they_must_be(url, expected):
    assert save_pages.link_from(Path("build/pages"), "notebooks", url) == expected


@pytest.mark.parametrize("latex, inside", [
    (r"\frac{p}{2}", "<mfrac><mrow><mi>p</mi></mrow><mrow><mn>2</mn></mrow></mfrac>"),
    (r"\mathbb E", "<mi>𝔼</mi>"), (r"\mathbb 1", "<mn>𝟙</mn>"),
    (r"\mathrm{KL}", '<mrow><mi mathvariant="normal">KL</mi></mrow>'),
    ("v'", '<mrow><mi>v</mi><mo lspace="0" rspace="0">′</mo></mrow>'),
    (r"\delta^{\!\top}", "<msup><mi>δ</mi><mrow><mo>⊤</mo></mrow></msup>"),
    ("(-1)", '<mo stretchy="false">(</mo><mo>−</mo><mn>1</mn><mo stretchy="false">)</mo>'.replace("<mo>−", '<mo form="prefix">−')),
    (r"\big\|^2", '<msup><mrow><mo minsize="1.2em" maxsize="1.2em" lspace="0" rspace="0">‖</mo></mrow><mn>2</mn></msup>'),
    (r"1 \pm 2", "<mn>1</mn><mo>±</mo><mn>2</mn>"), ("2-1", "<mn>2</mn><mo>−</mo><mn>1</mn>"),
    (r"\log x", '<mo lspace="0.167em" rspace="0.167em" movablelimits="true">log</mo><mi>x</mi>'),
    (r"\max_a b", '<munder><mo lspace="0.167em" rspace="0.167em" movablelimits="true">max</mo><mi>a</mi></munder><mi>b</mi>'),
])  # fmt: skip
def test_formulas_as_browsers_want_them(latex, inside):
    assert save_pages.mathml(latex, "inline") == f'<math display="inline"><mrow>{inside}</mrow></math>'


@pytest.mark.parametrize("latex", [
    r"\nosuchcommand x", r"\left( x", r"\mathbf{12}", r"\begin{aligned}a &= b \\ c &= d\end{aligned}",
])  # fmt: skip
def test_a_formula_that_would_not_be_drawn_is_refused(tmp_path, capsys, latex):
    path = tmp_path / "wrong.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"Look: $${latex}$$")]), path)
    assert not save_pages.save(path, tmp_path)
    said = capsys.readouterr().err
    assert "wrong.ipynb: the formula" in said and repr(latex) in said
    assert not (tmp_path / "wrong.html").exists()


NUMERATORS = """() => [...document.querySelectorAll('math mfrac')].map(fraction => [...fraction.children].map(part => {
    const box = part.getBoundingClientRect();
    return [box.top, box.bottom];
}))"""


def in_a_browser(test):
    """Mark a test that opens pages. The browser's driver leaves sockets and loops to the garbage collector."""
    ignored = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
    return pytest.mark.browser(ignored(pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")(test)))


@in_a_browser
def test_a_page_is_complete_without_internet(folder):
    path = ROOT / "notebooks" / "03_reinforce.ipynb"
    address = (folder / f"{path.stem}.html").as_uri()
    asked = []
    with browser_page() as page:
        page.context.set_offline(True)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        for words in sentences(path):
            picture = page.get_by_alt_text(words, exact=True)
            assert picture.is_visible() and picture.evaluate("picture => picture.complete && picture.naturalWidth > 100")
            assert picture.bounding_box()["width"] > 300
            assert page.locator(".pgedu-still").get_by_text(words, exact=True).is_visible()
        nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
        named = [node["name"]["value"] for node in nodes if node["role"]["value"] in ("image", "img")]
        fractions = page.evaluate(NUMERATORS)
    assert {url for url in asked if not url.startswith("data:")} == {address}
    assert named == sentences(path)
    assert fractions and all(above[1] <= below[0] + 1 for above, below in fractions)


# What runs off the sheet, or out of a box that scrolls on a screen and not on paper.
CUT_OFF = """() => [...document.querySelectorAll('pre, table, img, math')].filter(part => part.getClientRects().length
    && (part.getBoundingClientRect().right > innerWidth + 1 || part.matches('pre') && part.scrollWidth > part.clientWidth + 1)
).map(part => part.outerHTML.slice(0, 200))"""


@in_a_browser
def test_on_paper_nothing_is_cut_off_and_what_was_folded_can_be_read(folder):
    """A sheet of A4 within its margins is 178 mm wide, 672 pixels."""
    with browser_page(672, 1000) as page:
        page.emulate_media(media="print")
        for path in NOTEBOOKS:
            page.goto((folder / f"{path.stem}.html").as_uri())
            assert page.evaluate(CUT_OFF) == []
            assert all(output.is_visible() for output in page.locator(".pgedu-answer .jp-OutputArea-output").all())
