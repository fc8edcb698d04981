"""Matplotlib, imported without log lines: a cell's stderr should not depend on whose machine ran it first.

Of a font list that it makes once, and of a home that it cannot write to, Matplotlib says a word at its first import.
"""

import logging

_log = logging.getLogger("matplotlib")
_level = _log.level
_log.setLevel(logging.ERROR)
try:
    import matplotlib.font_manager  # noqa: F401 - this is what reads or makes the list
finally:
    _log.setLevel(_level)
