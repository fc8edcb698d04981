"""Fifty minutes hold: each lesson of each notebook, by the clock, and as its opening says."""

import json
import re
from pathlib import Path

import pytest
from clock import MINUTES, lessons, minutes

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def saved(folder, *cells):
    cells = [{"cell_type": kind, "source": source} for kind, source in cells]
    path = folder / "lesson.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    return path


def test_what_is_counted(tmp_path):
    text = "# One two three\nFour, with $a + b$ in it.\n\n$$c = d$$"
    code = "import numpy\n\npredict(*question)\nexplore(view)\ncheck_mine(my_answer)"
    (lesson,) = lessons(saved(tmp_path, ("markdown", text), ("code", code)))
    assert lesson == {"words": 8, "lines": 3, "equations": 1, "panels": 1, "predictions": 1, "exercises": 1}
    assert minutes(lesson) == pytest.approx(8 / 150 + 3 * 8 / 60 + 0.75 + 4 + 1 + 5)


def test_what_is_at_home_does_not_count_and_a_second_lesson_is_counted_by_itself(tmp_path):
    home = "## At home: more\nA lot of words.\n### Even more\nWords."
    path = saved(tmp_path, ("markdown", "# A title"), ("markdown", home), ("code", "watch(start, view)"),
                 ("markdown", "## Second lesson: on\nGo."), ("code", "x = 1"), ("markdown", "## Where next\nHome."))  # fmt: skip
    first, second = lessons(path)
    assert first == dict.fromkeys(MINUTES, 0) | {"words": 2}
    assert second == dict.fromkeys(MINUTES, 0) | {"words": 7, "lines": 1}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_lesson_takes_longer_than_its_opening_says(path):
    opening = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
    said = re.search(r"\*\*Time needed:\*\*[^.]*?(\d+) minutes", opening.replace("\n", " "))
    assert said and int(said[1]) <= 50, opening
    taken = [round(minutes(lesson)) for lesson in lessons(path)]
    assert max(taken) <= int(said[1]), taken
    assert (len(taken) > 1) == bool(re.search(r"[Tt]wo lessons", opening)), "says how many lessons it has"
