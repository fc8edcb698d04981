"""Two computations at once: both results, what fails, and where there are no threads."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from pgedu.learning import concurrency
from pgedu.learning.concurrency import both


@pytest.fixture(autouse=True)
def two_processors(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    concurrency._helper.cache_clear()
    yield
    concurrency._helper.cache_clear()


def test_both_are_done_at_the_same_time_if_large():
    """Each waits for the other: one after the other they would never meet."""
    meeting = threading.Barrier(2)
    assert both(lambda: (meeting.wait(20), "a")[1], lambda: (meeting.wait(20), "b")[1], large=True) == ("a", "b")
    threads = both(threading.get_ident, threading.get_ident, large=False)
    assert threads[0] == threads[1] == threading.get_ident()


def test_the_second_knows_the_settings_of_the_first():
    with np.errstate(over="raise"):
        with pytest.raises(FloatingPointError):
            both(lambda: None, lambda: np.float64(1e308) * np.float64(10), large=int(np.__version__[0]) > 1)


@pytest.mark.parametrize("large", [False, True])
def test_what_fails_is_raised_when_both_are_over(large):
    done = []

    def fail():
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        both(fail, lambda: done.append("second"), large)
    assert done == ["second"] * large  # nothing goes on behind the back of whoever catches it
    with pytest.raises(RuntimeError, match="broken"):
        both(lambda: done.append("first"), fail, large)
    assert done[-1] == "first"


def test_without_threads_or_with_one_processor_they_take_turns(monkeypatch):
    def no_threads(*args, **kwargs):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_threads)
    assert both(lambda: 1, lambda: 2, large=True) == (1, 2)
    monkeypatch.undo()
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    concurrency._helper.cache_clear()
    threads = both(threading.get_ident, threading.get_ident, large=True)
    assert threads[0] == threads[1]


def test_an_interrupt_is_raised_when_the_other_has_come_to_its_end():
    """In the main thread, which waits for the slower of the two when it comes."""
    done = []

    def slow():
        time.sleep(0.4)
        done.append("second")

    timer = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])
    with pytest.raises(KeyboardInterrupt):
        both(timer.start, slow, large=True)
    assert done == ["second"]
