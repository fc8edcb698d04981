"""A notebook's stderr does not depend on whether Matplotlib has been here before."""

import os
import subprocess
import sys

import pytest

FIRST_PICTURE = """
import logging
import threading

class Hasty(threading.Timer):  # Matplotlib speaks of its font list when that takes more than 5 seconds
    def __init__(self, seconds, *arguments):
        super().__init__(0, *arguments)

threading.Timer = Hasty
from pgedu.panels import explore, slider

def view(figure):
    figure.subplots().set_title("words")
    return lambda power: f"{power}"

explore(view, power=slider(1, 3, 2))
print(logging.getLogger("matplotlib").level, logging.getLogger("matplotlib.font_manager").level)
logging.getLogger("matplotlib").warning("what comes later is said")
"""


@pytest.mark.parametrize(
    "name, place", [("MPLCONFIGDIR", "new"), ("MPLCONFIGDIR", "file/config"), ("HOME", "file/home")]
)
def test_the_first_picture_on_a_machine_says_nothing(tmp_path, name, place):
    (tmp_path / "file").write_text("")  # below a file nobody can write, and root cannot either
    own = dict(os.environ)
    for other in ("MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        own.pop(other, None)
    own[name] = str(tmp_path / place)
    found = subprocess.run([sys.executable, "-c", FIRST_PICTURE], env=own, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["0", "0"]
    assert found.stderr.splitlines() == ["what comes later is said"]
