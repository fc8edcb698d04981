"""Two computations that have nothing to do with each other, at the same time where that is possible and pays."""

import contextvars
import functools
import os
from concurrent.futures import ThreadPoolExecutor, wait


@functools.cache
def _helper():
    """A thread that waits for work; None with one processor alone, or where there are no threads (in a browser)."""
    if (os.cpu_count() or 1) < 2:
        return None
    helper = ThreadPoolExecutor(1, thread_name_prefix="pgedu")
    try:
        helper.submit(int).result()
    except RuntimeError:
        return None
    return helper


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helper.cache_clear)  # a child process has none of its parent's threads


def both(first, second, large):
    """(first(), second()). If `large`, at the same time: NumPy lets go of the interpreter while it works on an array.

    That takes some 10 microseconds each time, so that it pays for large arrays alone. The numbers are the same.
    """
    helper = _helper() if large else None
    if helper is None:
        return first(), second()
    job = helper.submit(contextvars.copy_context().run, second)
    try:
        result = first()
    finally:
        _wait_until_over(job)
    return result, job.result()


def _wait_until_over(job):
    """Also through interrupts, which are raised then: nobody goes on while it still writes."""
    interrupted = None
    while not job.done():
        try:
            wait([job])
        except KeyboardInterrupt as interrupt:
            interrupted = interrupt
    if interrupted:
        raise interrupted
