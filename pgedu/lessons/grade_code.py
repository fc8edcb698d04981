"""What a function of a notebook needs: its own definition, what that refers to, and what this refers to in its turn.

A fresh kernel that ran a whole copy would spend minutes on panels and stop at the first cell that a student has broken.
An exercise needs a few statements only; the rest of the copy may be slow, broken or gone.
"""

import ast
import builtins
import dis
import linecache
import re
from typing import NamedTuple

UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)  # of `compile`, for null bytes and deep nesting, too
MAGIC = re.compile(r"^([ \t]*)(?:[%!?].*|[\w.]+\?{1,2}[ \t]*)$", re.MULTILINE)


class Statement(NamedTuple):
    """One top-level statement of a notebook. `place` counts through all cells, in the order in which they would run."""

    place: int
    cell: str  # the cell's id
    own: bool  # of the student's copy, not of the original
    node: ast.stmt
    code: object
    loads: frozenset  # names of the notebook that it reads
    stores: frozenset  # names that it binds
    changes: frozenset  # names whose value it changes or may change


def tree_of(source):
    """The syntax tree of a cell, without lines that only IPython understands (%magic, !shell, help?). Raises as `compile`."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.parse(MAGIC.sub(r"\1pass", source))


def statements(original, copy):
    """(statements of both notebooks, {id of a cell of the copy that is no Python: why}). Each is a list of (id, source)."""
    found, broken = [], {}
    for own, cells in ((False, original), (True, copy)):
        for cell, source in cells:
            try:
                nodes, name = tree_of(source).body, f"<cell {cell} at {len(found)}>"  # ids need not be unique in a copy
                linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
                for node in nodes:
                    code = compile(ast.Module([node], []), name, "exec")
                    found.append(Statement(len(found), cell, own, node, code, *_names(node, code)))
            except UNREADABLE as error:
                if own:
                    broken[cell] = f"{type(error).__name__}: {error}"
    return found, broken


def _names(node, code):
    loads, stores, codes = set(), set(), [code]
    for each in codes:  # grows while it is gone through
        codes += [part for part in each.co_consts if hasattr(part, "co_code")]
        steps = list(dis.get_instructions(each))
        loads |= {step.argval for step in steps if step.opname in ("LOAD_NAME", "LOAD_GLOBAL")}
        stored = ("STORE_NAME", "STORE_GLOBAL") if each is code else ("STORE_GLOBAL",)
        stores |= {step.argval for step in steps if step.opname in stored}
    return frozenset(loads), frozenset(stores), frozenset(_changed(node))


def _changed(node):
    """Names at the root of what is assigned to (x[0] = 1, x.y = 1, x += 1), and whose methods are called (x.append(1))."""
    for part in ast.walk(node) if not isinstance(node, ast.FunctionDef | ast.ClassDef) else ():
        if isinstance(part, ast.AugAssign):
            yield from _root(part.target)
        elif isinstance(part, ast.Subscript | ast.Attribute) and isinstance(part.ctx, ast.Store):
            yield from _root(part)
        elif isinstance(part, ast.Expr) and isinstance(part.value, ast.Call) and isinstance(part.value.func, ast.Attribute):
            yield from _root(part.value.func)


def _root(node):
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return [node.id] if isinstance(node, ast.Name) else []


def definitions(name, found):
    """The statements of the copy that bind a name, those that hold no answer yet first."""
    own = [each for each in found if each.own and name in each.stores]
    return sorted(own, key=lambda each: not _empty(each.node))


def _empty(node):
    """Is it a function with nothing but a docstring, dots, `pass`, and a `return` of nothing or of dots?"""

    def says_nothing(part):
        constant = isinstance(getattr(part, "value", None), ast.Constant)
        if isinstance(part, ast.Return):
            return part.value is None or (constant and part.value.value in (None, ...))
        return isinstance(part, ast.Pass) or (isinstance(part, ast.Expr) and constant)

    return isinstance(node, ast.FunctionDef) and all(map(says_nothing, node.body))


def needed(name, found):
    """The statements to run, in order, so that there is what the copy calls `name`; none, if the copy binds it nowhere.

    Of several definitions the last that holds an answer counts. Of other names, the last binding up to that cell, then one
    further down, then that of the original notebook; and what changes their values after it.
    """
    if not (own := definitions(name, found)):
        return []
    last = [each.place for each in found if each.own and each.cell == own[-1].cell][-1]
    picked, seen, names = {own[-1]}, {name}, list(own[-1].loads)
    while names:
        if (each := names.pop()) in seen:
            continue
        seen.add(each)
        new = _binding(each, last, found)
        if not new and not hasattr(builtins, each):
            new = [star for star in found if _is_star(star.node)]
        picked.update(new)
        names += [more for statement in new for more in statement.loads]
    return sorted(picked, key=lambda statement: statement.place)


def _binding(name, last, found):
    """The statement that binds a name, and those that change its value later; those on a module change nothing of it."""
    binds = [each for each in found if name in each.stores and name not in each.changes]
    binds = binds or [each for each in found if name in each.stores]  # such as a block that binds it and changes it, too
    if not binds:
        return []
    copied = [each for each in binds if each.own]
    before = [each for each in copied if each.place <= last]
    chosen = (before or copied or binds)[-1]
    if isinstance(chosen.node, ast.Import | ast.ImportFrom):
        return [chosen]
    end = max(last, chosen.place)  # the places of an original are all before those of the copy
    later = [each for each in found if each.own == chosen.own and chosen.place < each.place <= end]
    return [chosen] + [each for each in later if name in each.changes]


def _is_star(node):
    return isinstance(node, ast.ImportFrom) and node.names[0].name == "*"


def calls(check, found):
    """Names that the copy hands to a check, as in `check(name)`."""
    parts = [part for each in found if each.own for part in ast.walk(each.node) if isinstance(part, ast.Call)]
    asked = [part.args[0] for part in parts if getattr(part.func, "id", "") == check and part.args]
    return [each.id for each in asked if isinstance(each, ast.Name)]
