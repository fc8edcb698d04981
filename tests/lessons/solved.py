"""Solved notebooks, for teachers: `python tests/lessons/solved.py FOLDER` writes them, with the answers of solutions.py."""

import ast
import json
import re
import sys
from pathlib import Path

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SOLUTIONS = Path(__file__).with_name("solutions.py")


def solutions(notebook):
    """{name of a function: its source} of a notebook."""
    text = re.split(rf"^# {notebook}\n", SOLUTIONS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    section = re.split(r"^# \d\d_\w+\n", text, flags=re.MULTILINE)[0].replace("  # noqa: F811", "")
    return {node.name: ast.get_source_segment(section, node) for node in ast.parse(section).body}


def solved(path):
    """A notebook as a dict, with each of its untouched functions replaced by its solution, and without outputs."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    answers = solutions(path.stem)
    for cell in [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]:
        source = "".join(cell["source"])
        for name, answer in answers.items():
            dots = re.compile(rf"^def {name}\(.*?^    \.\.\.$", re.MULTILINE | re.DOTALL)
            source = dots.sub(lambda _, answer=answer: answer, source)
        cell |= {"source": source, "outputs": [], "execution_count": None}
    return notebook


if __name__ == "__main__":
    if len(sys.argv) != 2 or Path(sys.argv[1]).resolve() == NOTEBOOKS:
        sys.exit("FOLDER must be one folder, and not that of the notebooks themselves.")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for each in sorted(NOTEBOOKS.glob("*.ipynb")):
        (folder / each.name).write_text(json.dumps(solved(each), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
