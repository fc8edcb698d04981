"""Would the tests notice a mistake? `make mutants` changes the core in one place after the other and runs its tests.

A random sample of places in pgedu/worlds to pgedu/learning, and at each a random one of the changes that mutmut knows
(an operator, a number, an argument, ...). The tests of the changed module come first, those of the other core modules
after them. What no test notices is printed.

What an error says (everything in a `raise`, every sentence) and annotations are left as they are, and None is assigned
nowhere: any test that runs such a line would fail. Changes that make no difference stand in equivalent_mutants.toml.

    python tests/mutants.py 200 --seed 0
"""

import argparse
import difflib
import functools
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import libcst
from mutmut.mutation.mutators import mutation_operators, operator_assignment

ROOT = Path(__file__).parents[1]
ROOMS = ["worlds", "policies", "experience", "gradients", "learning"]
NEEDED = ["pgedu", "tests", "conftest.py", "pyproject.toml"]
OPERATORS = [(kind, operator) for kind, operator in mutation_operators if operator is not operator_assignment]
LEFT_ALONE = libcst.Raise | libcst.FormattedString | libcst.Annotation | libcst.Import | libcst.ImportFrom
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.toml")


class Mutant(NamedTuple):
    """A module of the core, as it would be with one change."""

    file: Path  # from the root
    number: int  # of its first changed line
    before: str  # the changed lines, as they stand and as they would be
    after: str
    code: str  # the whole module

    def __str__(self):
        lines = [f"- {line}" for line in self.before.splitlines()] + [f"+ {line}" for line in self.after.splitlines()]
        return "\n".join([f"{self.file}:{self.number}", *lines, ""])


def places(node):
    """Every (node, operators that may change it) below a node of a syntax tree, but for what is left alone."""
    if isinstance(node, LEFT_ALONE) or (isinstance(node, libcst.SimpleString) and " " in node.value):
        return
    found = [operator for kind, operator in OPERATORS if isinstance(node, kind)]
    if any(True for operator in found for _ in operator(node)):
        yield node, found
    for child in node.children:
        yield from places(child)


def changed(file, module, node, new):
    """The mutant in which `new` stands for `node`, or None where that is no Python."""
    code = module.deep_replace(node, new).code
    try:
        compile(code, str(file), "exec", dont_inherit=True)
    except (SyntaxError, SyntaxWarning):
        return None
    old, lines = module.code.splitlines(), code.splitlines()
    steps = difflib.SequenceMatcher(None, old, lines, autojunk=False).get_opcodes()
    blocks = [(first, last) for what, first, last, _, _ in steps if what != "equal"]
    first, last = blocks[0][0], blocks[-1][1]
    after = lines[first : last + len(lines) - len(old)]
    return Mutant(file, first + 1, *("\n".join(map(str.strip, part)) for part in (old[first:last], after)), code)


def sample(size, rng):
    """Mutants at `size` different places (all that there are, if fewer), in random order."""
    files = [path for room in ROOMS for path in sorted((ROOT / "pgedu" / room).glob("*.py"))]
    modules = [(path.relative_to(ROOT), libcst.parse_module(path.read_text(encoding="utf-8"))) for path in files]
    everywhere = [(file, module, *place) for file, module in modules for place in places(module)]
    rng.shuffle(everywhere)
    found = []
    for file, module, node, operators in everywhere:
        if len(found) == size:
            break
        changes = [new for operator in operators for new in operator(node)]
        mutant = changed(file, module, node, rng.choice(changes))
        found += [mutant] if mutant else []
    return found, len(everywhere)


def known():
    """The equivalent mutants that are known: (file, before) -> {after, or None for any change there: reason}."""
    entries = {}
    for each in tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")).get("mutant", []):
        lines = map(str.strip, (ROOT / each["file"]).read_text(encoding="utf-8").splitlines())
        if each["before"].splitlines()[0] not in lines:
            print(f"No more in {each['file']}, so no more needed in {EQUIVALENT.name}: {each['before']}")
        entries.setdefault((each["file"], each["before"]), {})[each.get("after")] = each["reason"]
    return entries


def copy_to(folder):
    """`folder`, in which there is now what the tests of the core need."""
    folder.mkdir()
    for name in NEEDED:
        copy = functools.partial(shutil.copytree, ignore=shutil.ignore_patterns("__pycache__"))
        (copy if (ROOT / name).is_dir() else shutil.copyfile)(ROOT / name, folder / name)
    return folder


def fails(folder, tests, limit=None):
    """Do these tests fail in the copy in `folder`, or take longer than `limit` seconds?"""
    # Without bytecode: two changes within a second can have the same size, and Python would take one for the other.
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}
    limited = ["sh", "-c", 'ulimit -v 8000000; exec "$@"', "sh"]  # kB: a loop without an end may ask for more and more
    command = [*limited, sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return True
    if done.returncode in (4, 5):
        raise RuntimeError(f"pytest could not start:\n{done.stdout}{done.stderr}")
    return done.returncode != 0


def stages(file):
    """The tests of a module, and those of all other modules of the core."""
    own = f"tests/{file.parent.name}/test_{file.name}"
    rest = [*(f"tests/{room}" for room in ROOMS), f"--ignore={own}"]
    return [[own], rest] if (ROOT / own).exists() else [rest]


class Judge:
    """Says of mutants whether the tests notice them, each in a copy of the checkout that nobody else is using."""

    def __init__(self, clean, *folders):
        self.folders = queue.Queue()
        for folder in folders:
            self.folders.put(copy_to(folder))
        self.clean = copy_to(clean)
        self.limit = functools.cache(self._limit)

    def _limit(self, *tests):
        """Seconds that tests may take; when nothing is changed, they must pass."""
        began = time.monotonic()
        if fails(self.clean, tests):
            raise RuntimeError(f"Without any change, these tests do not pass: {' '.join(tests)}")
        return 5 * (time.monotonic() - began) + 10

    def noticed(self, mutant):
        """Does a test fail?"""
        folder = self.folders.get()
        path = folder / mutant.file
        original = path.read_text(encoding="utf-8")
        try:
            path.write_text(mutant.code, encoding="utf-8")
            return any(fails(folder, tests, self.limit(*tests)) for tests in stages(mutant.file))
        finally:
            path.write_text(original, encoding="utf-8")
            self.folders.put(folder)


def main():
    parser = argparse.ArgumentParser(description="Change the core in random places and see whether its tests notice.")
    parser.add_argument("size", nargs="?", type=int, default=200, help="how many places (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (%(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at a time (%(default)s)")
    args = parser.parse_args()
    mutants, total = sample(args.size, random.Random(args.seed))
    equivalent = known()
    same = [m for m in mutants if {m.after, None} & set(equivalent.get((m.file.as_posix(), m.before), {}))]
    mutants = [mutant for mutant in mutants if mutant not in same]
    print(f"{total} places, {args.size} asked for; {len(same)} changes are known to make no difference", flush=True)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(args.jobs) as pool:
        judge = Judge(*(Path(folder, str(number)) for number in range(args.jobs + 1)))
        survivors = []
        for number, (mutant, noticed) in enumerate(zip(mutants, pool.map(judge.noticed, mutants)), start=1):
            survivors += [] if noticed else [mutant]
            print("." if noticed else f"\n{number} of {len(mutants)}, not noticed: {mutant}", end="", flush=True)
    killed = len(mutants) - len(survivors)
    print(f"\n{killed} of {len(mutants)} changes were noticed: {100 * killed / max(len(mutants), 1):.1f} %")


if __name__ == "__main__":
    main()
