"""What concerns the cells of a notebook: the source that one shows, and the panels that its last run has left."""

import ast
import asyncio
import contextlib
import inspect
import signal
import sys
import textwrap
import threading

_PLAYING, _BEFORE = [], []  # (loop, pause) of each panel that plays; what an interrupt meant before the first did
_PANELS = {}  # place -> (execution count, panels)


def replace_panels_of_cell(panel):
    """Register `panel` for the cell that is running, and close those that an earlier run of it has left.

    Without this, every run would leave a hidden panel behind, with its picture in memory and its training on.
    """
    place, execution = running_cell()
    if place is None:
        return
    last_execution, panels = _PANELS.get(place, (execution, []))
    if last_execution != execution:
        for old in panels:
            old.close()
        panels = []
    _PANELS[place] = (execution, [*panels, panel])


def running_cell():
    """(a name for the running cell that survives its next run, execution count); (None, 0) outside a notebook."""
    shell = _shell()
    return (id_of_cell() or _source_of_cell(), shell.execution_count) if shell else (None, 0)


def _shell():
    ipython = sys.modules.get("IPython")  # not imported for this: without a notebook there is nothing to do
    return ipython.get_ipython() if ipython else None


def id_of_cell():
    """What the front end calls the cell that is running, if it says so."""
    shell = _shell()
    return shell.get_parent().get("metadata", {}).get("cellId") if hasattr(shell, "get_parent") else None


def _source_of_cell():
    """Front ends that name no cell: the kernel files a cell's code under a hash of its source."""
    frame = sys._getframe()
    while frame and frame.f_globals.get("__name__") != "__main__":
        frame = frame.f_back
    return frame.f_code.co_filename if frame else None


def source(function):
    """Show a function's own source in a notebook, without its decorators and its docstring (which `help(function)` shows)."""
    from IPython.display import Markdown

    lines = inspect.getsource(function).splitlines()
    body = ast.parse(textwrap.dedent("\n".join(lines))).body[0]
    first = body.body[0]
    if ast.get_docstring(body) is not None:
        del lines[first.lineno - 1 : first.end_lineno]
    del lines[: body.lineno - 1]  # decorators say nothing of what it does
    return Markdown("```python\n" + textwrap.dedent("\n".join(lines)) + "\n```")


@contextlib.contextmanager
def interrupt_means(pause):
    """While a panel plays, interrupting the kernel pauses it (kernels ignore interrupts between messages)."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears of interrupts
        return
    if not _PLAYING:
        _BEFORE[:] = [signal.signal(signal.SIGINT, _pause_all)]
    _PLAYING.append((asyncio.get_running_loop(), pause))
    try:
        yield
    finally:
        _PLAYING[:] = [each for each in _PLAYING if each[1] is not pause]
        if not _PLAYING:  # panels may end in another order than they began
            signal.signal(signal.SIGINT, _BEFORE.pop())


def _pause_all(*_):
    for loop, pause in _PLAYING:
        loop.call_soon_threadsafe(pause)
