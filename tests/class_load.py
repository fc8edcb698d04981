"""Thirty students in one class: start the hub as `make class` does, play them, and print how long each thing took.

    python tests/class_load.py [--students 30] [--notebooks 04 07] [--seconds 20] [--folder /srv/pgedu-load]

Everything runs on this machine, the students too, so what they need is part of the load. Needs what `make class` needs
(as root, PYTHON must name one that all users may run), Linux, and an hour of nothing else on the machine to be worth reading.
"""

import argparse
import asyncio
import contextlib
import json
import math
import os
import random
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = "http://127.0.0.1:8765"
SCRIPTS = 80  # files of JupyterLab's that a page loads


def begin(folder, students, idle):
    """Start a class in a folder, as `make class` does: the process, and {name: password} of new students."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"Student {number}" for number in range(1, students + 1)]
    (folder / "students.txt").write_text("\n".join(["* Teacher", *names]), encoding="utf-8")
    for path in (folder / "passwords.json", folder / "slips.txt", folder / "hub.sqlite"):
        path.unlink(missing_ok=True)
    environment = os.environ | {"CLASS_URL": PAGE, "CLASS_IDLE": str(idle), "CLASS_PORTS": "22000"}
    log = open(folder / "log.txt", "w", encoding="utf-8")
    hub = subprocess.Popen([ROOT / "hub" / "start", folder], env=environment, stdout=log, stderr=log, start_new_session=True)
    while "JupyterHub is now running" not in (folder / "log.txt").read_text(encoding="utf-8", errors="replace"):
        if hub.poll() is not None:
            raise RuntimeError(f"no hub: see {folder / 'log.txt'}")
        time.sleep(0.2)
    slips = re.findall(r"log in as\s+(\S+)\s+password\s+(\S+)", (folder / "slips.txt").read_text(encoding="utf-8"))
    return hub, {name: password for name, password in slips if name != "teacher"}


def processes(folder):
    """Numbers of all processes whose current folder is in a home of the class: servers and kernels."""
    homes = str(folder / "homes") + os.sep
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and os.readlink(entry / "cwd").startswith(homes):
                found.append(entry)
    return found


def memory(folder):
    """Bytes that they take, what they share counted once (PSS)."""
    total = 0
    for process in processes(folder):
        with contextlib.suppress(OSError):
            total += 1024 * int(re.search(r"^Pss:\s+(\d+)", (process / "smaps_rollup").read_text(), re.M)[1])
    return total


def work(folder):
    """{process: seconds of a processor that it has used so far}."""
    found = {}
    for process in processes(folder):
        with contextlib.suppress(OSError):
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            found[process] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


async def together(students, act, phase):
    """Let all do something at the same time; who fails is noted and does not stop the others."""

    async def one(student):
        try:
            await act(student)
        except Exception as error:
            student.failures.append(f"{phase}: {type(error).__name__}: {error}")
            print(f"FAILED {student.name}, {student.failures[-1]}", flush=True)

    await asyncio.gather(*map(one, students))


def spread(label, seconds):
    """A line about many durations."""
    ordered = sorted(seconds)
    if ordered:
        unit, scale = ("ms", 1000) if ordered[-1] < 20 else ("s", 1)
        p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
        middle = statistics.median(ordered)
        print(f"{label:46} p50 {scale * middle:6.0f}  p95 {scale * p95:6.0f}  max {scale * ordered[-1]:6.0f} {unit}  ({len(ordered)})", flush=True)


async def lesson(students, folder, notebook, seconds):
    """One notebook: all run it, slide, and play; then close the browser."""
    await together(students, lambda student: student.run(notebook), f"run {notebook}")
    spread(f"{notebook[:2]}: Run All", [student.times["run"][-1] for student in students if student.times.get("run")])
    print(f"{notebook[:2]}: memory of each student {memory(folder) / len(students) / 1e6:.0f} MB", flush=True)
    await together(students, lambda student: student.look(plays=True), "look")
    await together(students, lambda student: student.move(seconds, "all slide"), "slide")
    spread(f"{notebook[:2]}: slider to picture, all slide", [wait for student in students for wait in student.waits.pop("all slide", [])])
    for share, label in ((0.5, "half play"), (1.0, "all play")):
        players = students[: math.ceil(share * len(students))]
        await together(players, lambda student: student.play(True), "play")
        await asyncio.sleep(2)
        began, before = time.monotonic(), [student.pictures for student in students]
        await together(students, lambda student: student.move(seconds, label), label)
        elapsed = time.monotonic() - began
        for who, group in (("players", players), ("others", students[len(players):])):
            spread(f"{notebook[:2]}: slider to picture, {label}, {who}", [wait for student in group for wait in student.waits.pop(label, [])])
        rates = [(student.pictures - count) / elapsed for student, count in zip(students, before, strict=True)][: len(players)]
        print(f"{notebook[:2]}: pictures a second of each player, {label}: median {statistics.median(rates):.1f}, least {min(rates):.1f}", flush=True)
    await together(students, lambda student: student.close(), "close")
    await asyncio.sleep(10)
    before = work(folder)
    await asyncio.sleep(5)
    used = [seconds - before[process] for process, seconds in work(folder).items() if process in before]
    print(f"{notebook[:2]}: 10 s after the browsers were closed the busiest process uses {20 * max(used, default=0):.0f} % of a processor, "
          f"all together {20 * sum(used):.0f} %", flush=True)  # fmt: skip


async def school(options, passwords):
    """All lessons; what has failed."""
    from class_student import Student

    rng = random.Random(0)
    students = [Student(name, password, random.Random(rng.random())) for name, password in passwords.items()]
    static = sorted((options.folder / "python" / "share" / "jupyter" / "lab" / "static").glob("*.js"), key=lambda path: -path.stat().st_size)
    scripts = [path.name for path in static[:SCRIPTS]]
    await together(students, lambda student: student.arrive(scripts), "arrive")
    for what in ("server up", "page open"):
        spread(what, [student.times[what] for student in students if what in student.times])
    print(f"memory of each student {memory(options.folder) / len(students) / 1e6:.0f} MB", flush=True)
    inside = [student for student in students if not student.failures]
    for number in options.notebooks if inside else []:
        (notebook,) = (path.name for path in (ROOT / "notebooks").glob(f"{number}_*.ipynb"))
        await lesson(inside, options.folder, notebook, options.seconds)
    for student in students:
        await student.web.close()
    began = time.monotonic()
    while processes(options.folder) and time.monotonic() - began < 3 * options.idle + 60:
        await asyncio.sleep(1)
    left = len(processes(options.folder))
    print(f"all but {left} processes stopped {time.monotonic() - began:.0f} s after the last browser, idle is {options.idle} s", flush=True)
    return [f"{student.name}: {failure}" for student in students for failure in student.failures] + ["not all stopped"] * (left > 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=30)
    parser.add_argument("--notebooks", nargs="*", default=["04", "07"])
    parser.add_argument("--seconds", type=float, default=20, help="for which sliders are moved")
    parser.add_argument("--idle", type=int, default=300, help="seconds until what nobody uses is stopped")
    parser.add_argument("--folder", type=Path, default=Path("/srv/pgedu-load"))
    parser.add_argument("--inside", action="store_true", help="play those on standard input; the program calls itself so")
    return parser.parse_args()


def main():
    """Start the hub, and play in its own Python, which has what is needed for that."""
    options = arguments()
    options.folder = options.folder.resolve()
    if options.inside:
        failures = asyncio.run(school(options, json.load(sys.stdin)))
        print("\n".join([f"failures: {len(failures)}", *failures]))
        return bool(failures)
    hub, passwords = begin(options.folder, options.students, options.idle)
    try:
        command = [options.folder / "python" / "bin" / "python", __file__, "--inside", *sys.argv[1:]]
        return subprocess.run(command, input=json.dumps(passwords), text=True).returncode
    finally:
        hub.terminate()
        hub.wait(60)


if __name__ == "__main__":
    sys.exit(main())
