"""The line to the process in which a student's code runs: what is left of it, and how long it may take."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from test_grade import BANDITS, RIGHT, SCORE, body

from pgedu.lessons import grade as grading
from pgedu.lessons.grade_process import Apart, Ended


@pytest.mark.parametrize("line", ["while True: pass", "import os; os.close(3); os.close(4); os.close(5)"])
def test_nothing_is_left_running(line):
    code = [(SCORE.cell, body(line))]
    with Apart(2, 1500.0) as apart, pytest.raises(Ended):
        apart.ask({"exercise": SCORE, "original": BANDITS.code, "copy": code})
    assert apart.process.returncode is not None and not apart.said.parent.exists()


def test_each_check_here_has_its_time_for_itself(monkeypatch):
    with Apart(20, 1500.0) as apart:
        apart.ask({"exercise": SCORE, "original": BANDITS.code, "copy": [(SCORE.cell, RIGHT)]})
        ends = apart.ends
        checks = SimpleNamespace(check=lambda student: student(np.zeros(2), 0).tolist() == [0.5, -0.5] and grading.HERE.locked())
        monkeypatch.setitem(sys.modules, "checks_for_this_test", checks)
        assert grading._asked_from_here(SCORE._replace(module="checks_for_this_test", check="check"), apart)
        assert apart.ends > ends and not grading.HERE.locked()
