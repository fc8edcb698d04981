"""What every committed notebook promises: how it is built, what is saved in it, and that its links lead somewhere.

A check takes a notebook as a dict and returns what is wrong with it. Each runs on every notebook, and each is proven to
notice a notebook that was broken on purpose. That the outputs are still true is not tested here but by nbval.
"""

import copy
import importlib.util
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

from pgedu.panels.still import PICTURE

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
OPENING = ["you will do", "able to explain", "time needed", "before this|what comes before"]
ENDING = ["What to remember", "Exercises", "Where next"]
ROOTS = "home|Users|root|tmp|var|opt|usr|private|mnt|work"
MACHINE_PATH = re.compile(rf"(?<![\w.~/:-])/(?:{ROOTS})/\w|\b[A-Z]:\\+(?:Users|Program)")
SENTENCE = re.compile(r"(?!\w+\()\w.*\s.*\s.*[.!?]\s*", re.DOTALL)  # three words, a full stop, and no repr

spec = importlib.util.spec_from_file_location("save_notebooks", ROOT / ".ci" / "save_notebooks.py")
save_notebooks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(save_notebooks)
VIEW = save_notebooks.VIEW


def text(value):
    return "".join(value)  # a notebook file stores long text as a list of lines, short text as a string


def cells(nb, kind):
    return [cell for cell in nb["cells"] if cell["cell_type"] == kind]


def outputs(nb):
    return [(cell["id"], output) for cell in cells(nb, "code") for output in cell["outputs"]]


def prose(source):
    """Markdown without what only looks like links, headings and images: code and formulas."""
    return re.sub(r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$", "code", text(source), flags=re.DOTALL)


def anchors(nb):
    """The anchors that JupyterLab gives to headings."""
    headings = [line for cell in cells(nb, "markdown") for line in re.findall(r"^#+ (.+)$", text(cell["source"]), re.M)]
    return [re.sub(r"[`*]", "", heading).strip().replace(" ", "-") for heading in headings]


def valid(nb):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nbformat repairs missing and doubled ids, with no more than a warning
        try:
            nbformat.validate(copy.deepcopy(nb))
        except (nbformat.ValidationError, Warning) as error:
            return [str(error)]
    return []


def in_normal_form(nb):
    return [] if json.loads(save_notebooks.normal_form(nb)) == nb else ["not as `make notebooks` saves it"]


def short_code(nb):
    long = [cell["id"] for cell in cells(nb, "code") if len(text(cell["source"]).splitlines()) > 15]
    return [f"{name} has more than 15 lines" for name in long]


def executed_in_order(nb):
    counts = [cell["execution_count"] for cell in cells(nb, "code")]
    return [] if counts == list(range(1, len(counts) + 1)) else [f"execution counts are {counts}"]


def no_errors(nb):
    return [f"{name} ends in an error" for name, output in outputs(nb) if output["output_type"] == "error"]


def no_stderr(nb):
    return [f"{name} writes to stderr" for name, output in outputs(nb) if output.get("name") == "stderr"]


def small(nb):
    return ["more than 2 MB"] if len(json.dumps(nb, indent=1)) > 2e6 else []


def panels_can_be_read_without_a_kernel(nb):
    """Above each live view stand words, and above those of a panel its picture; no state makes it look alive."""
    problems = ["the state of widgets is saved"] if "widgets" in nb["metadata"] else []
    for cell in cells(nb, "code"):
        forms = [output.get("data", {}) for output in cell["outputs"]]
        for i in [i for i, data in enumerate(forms) if VIEW in data]:
            still, words = (text(forms[i - 1].get(kind, "")) for kind in ("text/html", "text/plain")) if i else ("", "")
            of_picture = "pgedu-still pgedu-still-of-picture" in still
            if "pgedu-still" not in still or not (SENTENCE.fullmatch(words) if of_picture else words.strip()):
                problems.append(f"{cell['id']}: no words stay of the panel")
            above = cell["outputs"][i - 2] if i > 1 else {}
            if of_picture and not above.get("metadata", {}).get("image/png", {}).get("alt") == words:
                problems.append(f"{cell['id']}: no picture stays of the panel")
            if len(forms[i]) > 1:
                problems.append(f"{cell['id']}: its live view would be shown as something else, too")
    return problems


def pictures_have_alt_text(nb):
    pictures = [(name, output) for name, output in outputs(nb) if "image/png" in output.get("data", {})]
    return [
        f"{name}: a picture without alt text"
        for name, output in pictures
        if not output["metadata"].get("image/png", {}).get("alt", "").strip()
    ]


def markdown_images_have_alt_text(nb):
    blank = re.compile(r"!\[\s*\]\(|<img\b(?![^>]*\balt=[\"'][^\"'>]*\w)")
    found = [cell["id"] for cell in cells(nb, "markdown") if blank.search(prose(cell["source"]))]
    return [f"{name}: an image without alt text" for name in found]


def links_resolve(nb):
    found = re.compile(r"\]\(\s*<?([^)\s>]+)|\b(?:href|src)=[\"']([^\"']+)")
    links = [a or b for cell in cells(nb, "markdown") for a, b in found.findall(prose(cell["source"]))]
    relative = [link for link in links if not re.match(r"[a-z][a-z0-9+.-]*:", link)]
    return [f"{link} leads nowhere" for link in relative if not resolves(nb, *unquote(link).partition("#")[::2])]


def resolves(nb, target, anchor):
    path = FOLDER / target
    if not path.exists():
        return False
    if not anchor:
        return True
    if path.suffix == ".md":  # code-hosting pages make these anchors, not JupyterLab
        headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
        return anchor in [re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings]
    return anchor in anchors(load(path) if target else nb)


def opens_as_agreed(nb):
    first_code = next((n for n, cell in enumerate(nb["cells"]) if cell["cell_type"] == "code"), None)
    opening = "\n".join(text(cell["source"]) for cell in nb["cells"][:first_code])
    missing = [phrase for phrase in OPENING if not re.search(phrase, opening, re.IGNORECASE)]
    title = [] if opening.startswith("# ") else ["a title as its first line"]
    return [f"the text before the first code cell lacks: {phrase}" for phrase in title + missing]


def ends_as_agreed(nb):
    lines = "\n".join(prose(cell["source"]) for cell in cells(nb, "markdown"))
    headings = [heading.strip() for heading in re.findall(r"^## (?!At home)(.+)$", lines, re.M)]
    return [] if headings[-3:] == ENDING else [f"the last sections are {headings[-3:]}, not {ENDING}"]


def predictions_stand_beside_their_panel(nb):
    """Between a question and its panel there is little to read, and nothing that prints the answer where it is seen."""
    problems, asked, lines = [], None, 0
    for cell in nb["cells"]:
        source = text(cell["source"])
        if cell["cell_type"] == "markdown":
            lines += len(source) // 100 if asked else 0
        elif re.search(r"^predict\(", source, re.M):
            asked, lines = cell["id"], 0
        elif asked:
            panel = re.search(r"^(?:explore|watch)\(", source, re.M)
            lines += 0 if panel else len(source.splitlines())
            hidden = cell["metadata"].get("jupyter", {}).get("outputs_hidden")
            if not hidden and any("text" in output for output in cell["outputs"]):
                problems.append(f"{cell['id']} prints before its reader has used the panel that {asked} asks about")
            if panel and lines > 15:
                problems.append(f"{asked} stands {lines} lines above its panel")
            asked = None if panel else asked
    return problems + ([f"{asked} is followed by no panel"] if asked else [])


def collapsed_panels_tell_nothing(nb):
    """JupyterLab shows the first line of a collapsed cell's first output: it must not be what the panel says."""
    collapsed = [cell for cell in cells(nb, "code") if cell["metadata"].get("jupyter", {}).get("outputs_hidden")]
    firsts = [(cell["id"], cell["outputs"][0]) for cell in collapsed if cell["outputs"]]
    told = [name for name, first in firsts if text(first.get("data", {}).get("text/plain", PICTURE)) != PICTURE]
    return [f"{name} tells what its panel shows beside the dots" for name in told]


def no_machine_paths(nb):
    texts = [text(cell["source"]) for cell in nb["cells"]]
    for _, output in outputs(nb):
        texts += [text(output.get("text", ""))]
        texts += [text(value) for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    found = [match for value in texts for match in MACHINE_PATH.findall(value)]
    return [f"a path of the machine it ran on: {match}..." for match in found]


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def good():
    """The smallest notebook that passes every check: opening, picture, panel, print, ending."""
    start = "# Title\nWhat you will do. What you will be able to explain. Time needed: an hour. Before this: nothing."
    end = "## What to remember\n![a curve](../LICENSE)\n## Exercises\n## Where next\n[up](#Exercises) $E[x](y)$"
    picture = {"image/png": "aGk=", "text/plain": "<Figure size 640x480 with 1 Axes>"}
    shown = {"output_type": "display_data", "metadata": {"image/png": {"alt": "A rising curve"}}}
    printed = {"output_type": "stream", "name": "stdout", "text": "see https://example.org/home/page\n"}
    words = "The return is 3.2 after 10 steps."
    still = {"text/html": f'<div class="pgedu-still pgedu-still-of-picture">{words}</div>', "text/plain": words}
    forms = [{"image/png": "aGk=", "text/plain": "a picture"}, still, {VIEW: {"model_id": "ab" * 16}}]
    said = {"image/png": {"alt": words}}
    panel = [shown | {"data": data, "metadata": said if "image/png" in data else {}} for data in forms]
    saved = enumerate([[shown | {"data": picture}], panel, [printed]], start=1)
    sources = ["predict(*question)", "explore(view)", "print(1)"]
    code = [nbformat.v4.new_code_cell(sources[n - 1], execution_count=n, outputs=outputs) for n, outputs in saved]
    texts = [nbformat.v4.new_markdown_cell(source) for source in (start, end)]
    nb = nbformat.v4.new_notebook(cells=[texts[0], *code, texts[1]])
    return json.loads(save_notebooks.normal_form(nb))


def write(cell, source):
    return lambda nb: nb["cells"][cell].update(source=source)


def output(cell, **fields):
    return lambda nb: nb["cells"][cell]["outputs"][0].update(fields)


def data(cell, number, **fields):
    return lambda nb: nb["cells"][cell]["outputs"][number]["data"].update(fields)


BROKEN = [
    (valid, lambda nb: nb["cells"][0].pop("id")),
    (valid, lambda nb: nb["cells"][0].update(id="cell-02")),
    (valid, lambda nb: nb["cells"][1].pop("outputs")),
    (in_normal_form, lambda nb: nb["cells"][0].update(id="0123abcd")),
    (in_normal_form, lambda nb: nb["cells"][1]["metadata"].update(execution={"iopub.execute_input": "12:00"})),
    (in_normal_form, lambda nb: nb["metadata"]["language_info"].update(version="3.11.7")),
    (short_code, write(1, ["1\n"] * 16)),
    (executed_in_order, lambda nb: nb["cells"][2].update(execution_count=None)),
    (no_errors, output(3, output_type="error", ename="ValueError", evalue="", traceback=[])),
    (no_stderr, output(3, name="stderr")),
    (small, output(3, text="x" * 2_000_000)),
    (panels_can_be_read_without_a_kernel, lambda nb: nb["metadata"].update(widgets={})),
    (panels_can_be_read_without_a_kernel, lambda nb: nb["cells"][2]["outputs"].pop(0)),
    (panels_can_be_read_without_a_kernel, lambda nb: nb["cells"][2]["outputs"].pop(1)),
    (panels_can_be_read_without_a_kernel, lambda nb: nb["cells"][2]["outputs"].reverse()),
    (panels_can_be_read_without_a_kernel, data(2, 1, **{"text/plain": "VBox(children=(FloatSlider(value=0.0), 1.))."})),
    (panels_can_be_read_without_a_kernel, data(2, 1, **{"text/plain": "<Panel with three parts>."})),
    (panels_can_be_read_without_a_kernel, data(2, 1, **{"text/plain": ""})),
    (panels_can_be_read_without_a_kernel, data(2, 2, **{"text/plain": "The return is 3.2 after 10 steps."})),
    (pictures_have_alt_text, output(1, metadata={})),
    (pictures_have_alt_text, output(1, metadata={"image/png": {"alt": " "}})),
    (markdown_images_have_alt_text, write(0, "![](x.png)")),
    (markdown_images_have_alt_text, write(0, '<img src="x.png" alt="">')),
    (links_resolve, write(0, "[next](99_nowhere.ipynb)")),
    (links_resolve, write(0, '<a href="99_nowhere.ipynb">next</a>')),
    (links_resolve, write(0, "[below](#Nowhere)")),
    (links_resolve, write(0, "[read me](../README.md#nowhere-at-all)")),
    (opens_as_agreed, write(0, "# Title\nWhat you will do: this.")),
    (opens_as_agreed, lambda nb: nb["cells"].pop(0)),
    (ends_as_agreed, write(4, "## What to remember\n## Where next\n## Exercises")),
    (ends_as_agreed, write(4, "The end.")),
    (ends_as_agreed, write(4, "## What to remember\n## Exercises\n## At home\n## More\n## Where next")),
    (predictions_stand_beside_their_panel, write(2, "1")),
    (collapsed_panels_tell_nothing, lambda nb: nb["cells"][1]["metadata"].update(jupyter={"outputs_hidden": True})),
    (predictions_stand_beside_their_panel, write(3, "predict(*question)")),
    (predictions_stand_beside_their_panel, lambda nb: nb["cells"].insert(2, nbformat.v4.new_markdown_cell("word " * 400))),
    (no_machine_paths, output(3, text="saved in /home/ada/plot.png")),
    (no_machine_paths, write(1, r"open('C:\Users\ada')")),
]
CHECKS = list(dict.fromkeys(check for check, _ in BROKEN))


def test_there_are_notebooks():
    assert NOTEBOOKS, "no notebook was found, so nothing else in this file tested anything"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_notebook(path, check):
    assert check(load(path)) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_good_notebook_passes(check):
    assert check(good()) == []


@pytest.mark.parametrize("number", range(len(BROKEN)), ids=lambda number: f"{BROKEN[number][0].__name__}-{number}")
def test_a_broken_notebook_is_noticed(number):
    check, damage = BROKEN[number]
    nb = good()
    damage(nb)
    assert check(nb), f"{check.__name__} did not notice"


PANEL = """from pgedu.panels import explore, slider
def view(figure):
    (line,) = figure.add_subplot(title="a line").plot([0, 1], [0, 1])
    def draw(slope):
        line.set_ydata([0, slope])
        return f"The line ends at {slope:.1f}."
    return draw
explore(view, slope=slider(0.0, 1.0, 0.5))"""
# Matplotlib says that it builds the cache of fonts when that has taken five seconds: here it is always a slow machine.
SLOW = """import threading
class Timer(threading.Timer):
    def __init__(self, interval, *arguments, **more):
        super().__init__(0 if interval == 5 else interval, *arguments, **more)
threading.Timer = Timer"""


@pytest.mark.skipif(os.name == "nt", reason="HOME is the way to a home elsewhere")
@pytest.mark.parametrize("cold", ["no cache of fonts yet", "a home that cannot be written"])
def test_strict_nbval_is_green_on_a_cold_machine(tmp_path, cold):
    """What Matplotlib logs there, on the way to the first panel, is no output of the cell."""
    path, file = tmp_path / "panel.ipynb", tmp_path / "a_file"
    file.write_text("and no folder, so that nothing can be made below it")
    (tmp_path / "sitecustomize.py").write_text(SLOW)
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(PANEL), nbformat.v4.new_code_cell("print(1)")])
    nbformat.write(nb, path)
    assert save_notebooks.save(path, timeout=60)
    home = {"HOME": file / "home", "JUPYTER_RUNTIME_DIR": tmp_path / "runtime"}  # without one, Jupyter starts no kernel
    places = {"MPLCONFIGDIR": tmp_path / "fonts"} if cold.startswith("no cache") else home
    away = ["MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"]
    environment = {name: value for name, value in os.environ.items() if name not in away}
    environment |= {name: str(place) for name, place in places.items()}
    environment["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{ROOT}"
    command = [sys.executable, "-m", "pytest", "--nbval", "-p", "no:cacheprovider", path]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr
