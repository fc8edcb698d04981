"""How long a lesson takes: the clock of words read, code read, equations followed, panels used, exercises done.

    python tests/lessons/clock.py notebooks/*.ipynb

The paces are a rule of thumb for somebody new to the subject, set so that they come to what working through these
notebooks had taken. A part whose heading begins with "At home" does not count. A heading "Second lesson" begins another.
"""

import json
import re
import sys
from pathlib import Path

MINUTES = {"words": 1 / 150, "lines": 8 / 60, "equations": 0.75, "panels": 4.0, "predictions": 1.0, "exercises": 5.0}
CALLS = {"panels": r"^(?:explore|watch)\(", "predictions": r"^predict\(", "exercises": r"^check_\w+\("}


def lessons(path):
    """What each lesson of a notebook holds: a list of dicts with a count for each of `MINUTES`."""
    found, at_home = [dict.fromkeys(MINUTES, 0)], False
    for cell in json.loads(Path(path).read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        parts = re.split(r"^(?=##? )", source, flags=re.M) if cell["cell_type"] == "markdown" else [source]
        for part in parts:
            if cell["cell_type"] == "markdown" and (heading := re.match(r"##? (.*)", part)):
                at_home = heading[1].startswith("At home")
                if heading[1].startswith("Second lesson"):
                    found.append(dict.fromkeys(MINUTES, 0))
            if not at_home:
                for kind, count in _counted(cell["cell_type"], part).items():
                    found[-1][kind] += count
    return found


def _counted(kind, source):
    if kind == "markdown":
        text, equations = re.subn(r"\$\$.*?\$\$", "", source, flags=re.DOTALL)
        return {"words": len(re.findall(r"\w[\w'-]*", re.sub(r"\$[^$]*\$", "x", text))), "equations": equations}
    lines = [line for line in source.splitlines() if line.strip() and not line.startswith(("from ", "import "))]
    return {"lines": len(lines)} | {name: len(re.findall(call, source, re.M)) for name, call in CALLS.items()}


def minutes(lesson):
    """What a lesson takes in all, from what it holds."""
    return sum(count * MINUTES[kind] for kind, count in lesson.items())


if __name__ == "__main__":
    for path in sys.argv[1:]:
        for number, lesson in enumerate(lessons(path), start=1):
            parts = ", ".join(f"{count} {kind}" for kind, count in lesson.items())
            print(f"{Path(path).stem}, lesson {number}: {minutes(lesson):.0f} minutes ({parts})")
