"""Write notebooks as pages that are complete without internet: formulas, pictures and their words are in the file.

    python .ci/save_pages.py build/pages notebooks/*.ipynb

Nothing is executed: a page shows the outputs that were saved. If a notebook cannot be read or one of its formulas not
be written as MathML, it is named, its page stays as it was, and the exit code is 1.
"""

import argparse
import html
import os
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import nbformat
from jinja2 import pass_context
from latex2mathml.converter import convert
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

VIEW = "application/vnd.jupyter.widget-view+json"
ADVICE = " <i>(A still picture: run the cell to move it.)</i>"  # no page and no paper has a cell to run
# Without the scripts that nbconvert would load from the internet, and with the words of each picture.
TEMPLATE = """{% extends "lab/index.html.j2" %}
{% block html_head_js %}{% endblock %}
{% block jupyter_widgets %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
{% block html_head_css %}<style>
math { font-size: 1.15em; }
math { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", "DejaVu Math TeX Gyre", math; }
math[display="block"] { margin: 0.8em 0; }
menclose { border: 1px solid; padding: 0.4em; }
/* What nbconvert prints paler than 4.5 to 1, a little darker; links are told by more than their colour. */
.jp-Notebook { --jp-mirror-editor-number-color: #070; --jp-mirror-editor-comment-color: #356a6a; --jp-mirror-editor-operator-color: #9413e0; }
.jp-Notebook .jp-InputPrompt, .jp-Notebook .jp-OutputPrompt { color: #5f5f5f; opacity: 1 !important; }
.jp-RenderedHTMLCommon p a, .jp-RenderedHTMLCommon li a { text-decoration: underline !important; }
.pgedu-answer { margin: 0.4em 0; }
.pgedu-answer > summary { cursor: pointer; padding: 0.3em; }
@page { size: A4; margin: 16mm; }
@media print {
.pgedu-answer:not([open])::details-content { content-visibility: visible; }
:root { --jp-content-font-size1: 10pt; --jp-code-font-size: 7.5pt; --jp-cell-padding: 4px; }
body.jp-Notebook, main { padding: 0; margin: 0; }
.jp-InputPrompt, .jp-OutputPrompt, .anchor-link, .jp-Collapser { display: none !important; }
.jp-InputArea, .jp-InputArea-editor, .jp-OutputArea, .jp-OutputArea-child, .jp-OutputArea-output { display: block; overflow: visible; }
.jp-RenderedHTMLCommon, .jp-OutputArea-output, .jp-OutputArea-output pre { padding-right: 0; width: auto !important; }
math { font-size: 0.97em; }
.jp-RenderedHTMLCommon table { font-size: 8.5pt; }
.jp-RenderedHTMLCommon pre { font-size: var(--jp-code-font-size); }
.jp-OutputArea-output pre, .highlight pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.jp-InputArea-editor, .jp-OutputArea-child, .pgedu-answer, h1, h2, h3, h4, img, tr, li, math, pre { break-inside: avoid; }
.jp-OutputArea-child:has(img) { break-after: avoid; }
.jp-RenderedImage img { max-height: 110mm; }
h1, h2, h3, h4, summary, .jp-Cell-inputWrapper:has(+ .jp-Cell-outputWrapper) { break-after: avoid; }
p, li { orphans: 3; widows: 3; }
}
</style>{% endblock %}
{% block body_header %}{{ super() }}
<p class="jp-RenderedHTMLCommon"><i>This page shows {{ resources.metadata.name }}.ipynb as it was saved: the pictures
stand still. In the notebook they move.</i></p>{% endblock %}
{% block data_png %}<div class="jp-RenderedImage jp-OutputArea-output">
{%- set alt = output | get_metadata("alt", "image/png") %}
<img src="data:image/png;base64,{{ output.data["image/png"] | escape_html }}"
{%- if alt %} alt="{{ alt | escape_html }}"{% endif %}>
</div>{% endblock %}
{% block outputs %}{% if cell.metadata.get("jupyter", {}).get("outputs_hidden") %}<details class="pgedu-answer">
<summary>Have you made up your mind? Then open what the cell shows.</summary>
{{ super() }}</details>{% else %}{{ super() }}{% endif %}{% endblock %}"""

VARIANTS = {"double-struck": "opf", "script": "scr", "fraktur": "fr"}  # ends of HTML's names: &Eopf; is 𝔼
FUNCTIONS = {"Pr", "cos", "exp", "log", "max", "min", "sin"}
THIN = "0.167em"
TAG = "{http://www.w3.org/1998/Math/MathML}"


def mathml(latex, display):
    """Return a formula as MathML that today's browsers draw; ValueError if it cannot be.

    Browsers know less than all of MathML: letters in another style must be letters of their own, spaces have no names.
    """
    try:
        tree = ElementTree.fromstring(convert(latex.replace("\\!", "").replace("\\|", "‖"), display=display))
    except Exception as error:  # the library has many kinds, without a common one
        raise ValueError(f"the formula {latex!r} cannot be written as MathML: {error!r}") from error
    for element in tree.iter():
        element.tag = element.tag.removeprefix(TAG)  # in a page the name alone says it, and anchors choke on the rest
    for element in tree.iter():
        adapt(element)
    wrong = [element for element in tree.iter() if "\\" in (element.text or "") or element.text == "&"]
    wrong += [element for element in tree.iter() if element.get("mathvariant", "normal") != "normal"]
    if wrong:
        raise ValueError(f"the formula {latex!r} cannot be written as MathML: there is no way to draw {wrong[0].text!r}")
    return ElementTree.tostring(tree, encoding="unicode")


def adapt(element):
    """Change what browsers draw in another way than TeX, or not at all."""
    if element.get("mathvariant") in VARIANTS:
        end = VARIANTS[element.attrib.pop("mathvariant")]
        element.text = "".join(chr(ord("𝟘") + int(c)) if c.isdigit() else html.unescape(f"&{c}{end};") for c in element.text)
    if len(element) > 1 and all(child.get("mathvariant") == "normal" for child in element):
        merge(element)
    if element.tag == "msup" and element[1].text == "′":
        element.tag = "mrow"  # a prime stands high already; as a superscript it would be too small to see
    if element.tag in ("msub", "msup") and "minsize" in element[0].attrib:
        large = ElementTree.Element("mrow")  # a large bracket or bar grows only in a row, not as what has an exponent
        large.append(element[0])
        element[0] = large
    if element.tag == "menclose":
        element.set("displaystyle", "true")
    space(element)


def merge(row):
    """Make one word of upright letters: it is drawn alike, and read as a word."""
    row[0].text = "".join(letter.text for letter in row)
    row[:] = row[:1]


def space(row):
    """Set apart what TeX sets apart and nothing else: log from what it acts on, but no bar from what it encloses."""
    for before, child, after in zip([None, *row], row, [*row[1:], None]):
        name = child[0] if child.tag in ("msub", "msup", "msubsup") else child
        if name.text in FUNCTIONS:
            name.tag = "mo"
            right = "0" if after is not None and after.text == "(" else THIN
            name.attrib = {"lspace": THIN, "rspace": right, "movablelimits": "true"}
        elif name.text in ("|", "‖", "/", "∇", "∂", "′"):
            name.tag = "mo"
            name.attrib |= {"lspace": "0", "rspace": "0"}
        elif name.text in (";", "±"):
            name.tag = "mo"
        elif name.text == "−" and before is not None and before.tag == "mo" and before.text not in (")", "]", "|"):
            name.attrib["form"] = "prefix"
        if name.text in ("max", "min", "∑", "∏"):
            child.tag = {"msub": "munder", "msubsup": "munderover"}.get(child.tag, child.tag)  # beside it between words


class Renderer(IPythonRenderer):
    """Markdown to HTML, with formulas as MathML, and with links that lead from the page where they led before."""

    def __init__(self, *args, pages, **kwargs):
        super().__init__(*args, **kwargs)
        self.pages = pages

    def inline_math(self, body):
        return mathml(body, "inline")

    def block_math(self, body):
        return mathml(body, "block")

    def latex_environment(self, name, body):
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")

    def link(self, text, url, title=None):
        return super().link(text, link_from(self.pages, self.path, url), title)


def link_from(pages, folder, url):
    """Return what leads from a page to where `url` led from a file in `folder`: to a page, where that was a notebook."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc or not parts.path:
        return url
    if re.fullmatch(r"[^/]+\.ipynb", parts.path):
        return parts._replace(path=parts.path.removesuffix(".ipynb") + ".html").geturl()
    return parts._replace(path=Path(os.path.relpath(Path(folder, parts.path), pages)).as_posix()).geturl()


class PageExporter(HTMLExporter):
    """A notebook as a page that asks nobody for anything."""

    export_from_notebook = None  # not one of `jupyter nbconvert --to`
    raw_template = TEMPLATE

    def __init__(self, pages, **kwargs):
        super().__init__(**kwargs)
        self.pages = pages

    @pass_context
    def markdown2html(self, context, source):
        """Return Markdown as HTML; pictures from files are in it."""
        cell, folder = context.get("cell", {}), context["resources"]["metadata"]["path"]
        attachments = cell.get("attachments", {})
        renderer = Renderer(escape=False, attachments=attachments, embed_images=True, path=folder, pages=self.pages)
        return MarkdownWithMath(renderer=renderer).render(source)

    def from_notebook_node(self, nb, resources=None, **kwargs):
        return super().from_notebook_node(for_paper(nb), resources, **kwargs)


def for_paper(nb):
    """Return a copy of a notebook without what only a running panel needs; its title is its first heading."""
    nb = nbformat.from_dict(nb)
    heading = re.search(r"^# (.+)", "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown"), re.M)
    if heading:
        nb.metadata.title = heading[1]
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(VIEW, None)
            if "text/html" in output.get("data", {}):
                output.data["text/html"] = output.data["text/html"].replace(ADVICE, "")
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if output.get("data") != {}]
    return nb


def save(path, pages):
    """Write the page of the notebook in `path`; return whether it could be written."""
    try:
        page, _ = PageExporter(pages).from_filename(str(path))
    except (OSError, ValueError) as error:  # nbformat's are ValueErrors
        print(f"{path}: {error}", file=sys.stderr)
        return False
    pages.mkdir(parents=True, exist_ok=True)
    new = pages / f"{path.stem}.html"
    new.write_text(page, encoding="utf-8", newline="\n")
    print(f"{new} saved")
    return True


def main():
    parser = argparse.ArgumentParser(description="Write notebooks as pages that need no internet.")
    parser.add_argument("pages", type=Path, help="folder of the pages")
    parser.add_argument("notebooks", nargs="+", type=Path)
    args = parser.parse_args()
    return 0 if all([save(path, args.pages) for path in args.notebooks]) else 1


if __name__ == "__main__":
    sys.exit(main())
