"""The grader's end of the line to the process in which a student's code runs: it starts it, asks it, and ends it in time."""

import json
import os
import pickle
import signal
import site
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import pgedu

LONGEST = 10**7  # bytes of one answer
TO_START = 60  # seconds
KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LANG", "LC_ALL", "LD_LIBRARY_PATH")  # of the environment: no secrets
OUT_OF_TURN = "The process said what it was not asked: look at what this code does."
ONE_THREAD = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}


class Ended(Exception):
    """Why there is no answer any more, in a sentence."""


class Apart:
    """A Python of its own, in an empty folder, with limits; a context manager that leaves nothing running.

    Args:
        seconds: from the first request on; then the process is ended.
        megabytes: of memory, where the system can limit it (not on Windows and macOS).
    """

    running = set()

    def __init__(self, seconds, megabytes):
        self.seconds, self.late, self.ends = seconds, False, None
        self.folder = tempfile.TemporaryDirectory(prefix="pgedu-grade-", ignore_cleanup_errors=True)
        self.said = Path(self.folder.name) / "said"
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pgedu.lessons.grade_apart"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=said, cwd=self.folder.name, env=_environment(self.folder.name), start_new_session=True)  # fmt: skip
        self.running.add(self)
        try:
            self._ask({"seconds": seconds, "megabytes": megabytes}, TO_START)
        except Ended as ended:
            last = self.said.read_text(errors="replace")[-500:]
            self.close()
            raise RuntimeError(f"No process for a student's code could be started: {ended} {last}") from None

    @classmethod
    def end_all(cls):
        """End every process that runs: who waits for its answer gets none."""
        for each in list(cls.running):
            each._kill()

    def wind_up(self):
        """The time begins anew with the next request."""
        self.ends = None

    def ask(self, request):
        """What the process answers, a dict; raises Ended if there is no answer in time."""
        self.ends = self.ends or time.monotonic() + self.seconds
        return self._ask(request, max(self.ends - time.monotonic(), 0))

    def _ask(self, request, seconds):
        timer = threading.Timer(seconds, self._too_late)
        timer.start()
        try:
            pickle.dump(request, self.process.stdin)
            self.process.stdin.flush()
            line = self.process.stdout.readline(LONGEST)
        except OSError:  # nobody reads at the other end
            line = b""
        finally:
            timer.cancel()
        with suppress(ValueError, RecursionError):  # whatever is no answer is said below
            answer = json.loads(line)
            if isinstance(answer, dict):
                return answer
        raise Ended(self._why(line))

    def _too_late(self):
        self.late = True
        self._kill()

    def _why(self, line):
        if self.late:
            return f"No answer within {self.seconds:g} seconds: is there a loop without end?"
        if line:
            return OUT_OF_TURN
        try:
            code = self.process.wait(2)
        except subprocess.TimeoutExpired:
            return "The process closed its line and goes on: look at what this code does."
        how = f"by signal {-code}, {signal.strsignal(-code)}," if code < 0 else f"with exit code {code}"
        return f"The process ended {how} and without an answer: too much memory, or code that ends Python itself."

    def _kill(self):
        if hasattr(os, "killpg") and self.process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):  # it has ended by itself, on Linux and on macOS
                os.killpg(self.process.pid, signal.SIGKILL)  # and whatever it has started
        self.process.kill()

    def close(self):
        """End the process, and remove its folder."""
        self.running.discard(self)
        self._kill()
        self.process.wait()
        self.process.stdout.close()
        with suppress(OSError):  # a request that nobody read
            self.process.stdin.close()
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def _environment(folder):
    roots = [str(Path(pgedu.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    own = {"PYTHONPATH": os.pathsep.join(filter(None, roots)), "PYTHONUSERBASE": site.getuserbase(), "HOME": folder,
           "MPLBACKEND": "agg", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}  # fmt: skip
    return {name: os.environ[name] for name in KEPT if name in os.environ} | own | ONE_THREAD
