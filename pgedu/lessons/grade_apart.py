"""The process in which a student's code runs, apart from the grader: started by `grade_process`, one for each exercise.

It reads requests of the grader (pickled) and answers each in a line of JSON. What the student's code prints goes nowhere.
"""

import ast
import importlib
import json
import os
import pickle
import sys
from contextlib import suppress

from pgedu.lessons.answers import Fault, answer_of
from pgedu.lessons.grade_code import beside, calls, definitions, is_made_of, needed, statements

CHANGES = {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.chown", "os.link", "os.symlink",
           "os.utime", "shutil.rmtree", "sqlite3.connect"}  # fmt: skip
REFUSED = {"os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.kill", "os.killpg",
           "os.startfile", "subprocess.Popen", "pty.spawn", "signal.pthread_kill"}  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def limit(seconds, megabytes):
    """Limits that the system itself keeps, where it has any: memory, processor time, size of files."""
    try:
        import resource
    except ImportError:  # on Windows
        return
    wanted = {"RLIMIT_AS": int(megabytes * 10**6), "RLIMIT_CPU": int(4 * seconds) + 4, "RLIMIT_FSIZE": 10**7, "RLIMIT_CORE": 0}
    for name, value in wanted.items():
        with suppress(AttributeError, ValueError, OSError):  # macOS knows RLIMIT_AS and refuses it
            resource.setrlimit(getattr(resource, name), (value, value))


def fence(folder):
    """No network, no other process, no change to files outside `folder`, from now on; reading is not refused.

    It stops accidents and simple mischief. It is no wall: who knows Python well finds a way around.
    """
    real, inside = os.path.realpath, (os.path.realpath(folder) + os.sep, os.devnull)

    def outside(path):
        return isinstance(path, str | bytes | os.PathLike) and not real(os.fsdecode(path)).startswith(inside)

    def watch(event, arguments):
        writes = event == "open" and (arguments[2] or 0) & WRITING and outside(arguments[0])
        changes = event in CHANGES and any(map(outside, arguments))
        if writes or changes or event in REFUSED or event.startswith("socket."):
            raise PermissionError(f"not while answers are graded: {event}")

    with suppress(ImportError):  # on Windows there is none; elsewhere, starting a process by it is no event
        importlib.import_module("_posixsubprocess").fork_exec = lambda *given: watch("subprocess.Popen", given)
    sys.addaudithook(watch)


class Silent:
    """In place of IPython's shell: it takes every call, and does nothing."""

    def __getattr__(self, name):
        return lambda *given, **more: None


def outcome(exercise, original, copy, all_own=False):
    """What is to be said of an exercise: status, reason, notes on what the copy has changed around it, and whether there is
    more in the student's own cells to run beside it, as is done with `all_own`.
    """
    found, broken = statements(original, copy)
    name, notes = _name_in_copy(exercise, found), _notes(exercise, found)
    if name is None:
        return _missing(exercise, copy, broken) | {"notes": notes}
    if name != exercise.function:
        notes.insert(0, f"Renamed: graded is `{name}`, where `{exercise.function}` was asked for.")
    more = beside(name, found)
    scope, problem = _run(needed(name, found, more if all_own else ()))
    if name not in scope:
        reason = f"The cell stops before there is a function: {problem}"
        return {"status": "stopped", "reason": reason, "notes": notes, "more": bool(more)}
    if problem:
        notes.append(f"A statement that it needs fails: {problem}")
    try:
        verdict = getattr(importlib.import_module(exercise.module), exercise.check)(scope[name])
    except BaseException as error:  # such as KeyboardInterrupt: what no check expects
        return {"status": "stopped", "reason": f"The check was stopped by {type(error).__name__}.", "notes": notes}
    status = "right" if verdict.passed else "wrong" if verdict.attempted else "not attempted"
    return {"status": status, "reason": verdict.message, "notes": notes, "more": bool(more), "function": scope[name]}


def _name_in_copy(exercise, found):
    """What the function is called in the copy: as asked for; or what is handed to its check; or the only one in its cell."""
    if definitions(exercise.function, found):
        return exercise.function
    handed = [name for name in calls(exercise.check, found) if definitions(name, found)]
    here = [each for each in found if each.own and each.cell == exercise.cell and isinstance(each.node, ast.FunctionDef)]
    return handed[-1] if handed else here[0].node.name if len(here) == 1 else None


def _notes(exercise, found):
    notes, own = [], definitions(exercise.check, found)
    if [each for each in own if getattr(each.node, "module", "") != exercise.module]:
        notes.append(f"This copy has a `{exercise.check}` of its own: graded was with the original.")
    if not calls(exercise.check, found):
        notes.append(f"This copy no longer hands a function to `{exercise.check}`.")
    written = [each for each in definitions(exercise.function, found) if not is_made_of(exercise.function, each)]
    if (count := len(written)) > 1:
        notes.append(f"`{exercise.function}` stands in this copy {count} times: graded is the last that was filled in.")
    return notes


def _missing(exercise, copy, broken):
    for cell, source in copy:
        if cell in broken and (cell == exercise.cell or f"def {exercise.function}" in source):
            return {"status": "stopped", "reason": f"Its cell is no Python: {broken[cell]}."}
    there = exercise.cell in [cell for cell, _ in copy]
    where = "Its cell is there, but" if there else "Its cell is missing, or has lost its id, and"
    return {"status": "missing", "reason": f"{where} nothing in this copy is called `{exercise.function}`."}


def _run(chosen):
    """(the names that the statements define, what the first that stopped said)."""
    scope, problem = {"__name__": "__main__", "display": print, "get_ipython": Silent}, ""
    for each in chosen:
        try:
            exec(each.code, scope)
        except BaseException as error:  # SystemExit and KeyboardInterrupt, too, can be raised by what a student wrote
            said = " ".join(str(error).split())[:200]
            problem = problem or f"{type(error).__name__}: {said} (in cell {each.cell})."
    return scope, problem


def serve(requests, reply):
    """First the job, then calls of the student's function with what the grader sends, until the grader hangs up."""
    job = pickle.load(requests)
    limit(job["seconds"], job["megabytes"])
    fence(os.getcwd())
    reply({"ready": True})
    found = outcome(**pickle.load(requests))
    function = found.pop("function", None)
    reply(found)
    while True:
        try:
            given = pickle.load(requests)
        except EOFError:
            return
        try:
            answer = answer_of(function, None, **{f"argument {i}": value for i, value in enumerate(given)})
            reply({"shape": answer.shape, "values": answer.ravel().tolist()})
        except Fault as fault:
            reply({"fault": str(fault)})


def main():
    """Keep the lines to the grader, and leave nothing to the student's code but an empty input and a silent output."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)

    def reply(message):
        replies.write(json.dumps(message).encode() + b"\n")
        replies.flush()

    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    serve(requests, reply)


if __name__ == "__main__":
    main()
