"""What a function of a notebook needs: its own definition, what that refers to, and what this refers to in its turn.

A kernel that ran a whole copy would spend minutes on panels, stop at the first cell that a student has broken, and stay for
ever in a loop without end, at the cost of all other answers. An exercise needs a few statements only; the rest of the copy may
be slow, broken or gone. What no name leads to, such as `fill(table)` in a cell above, is tried in a second attempt (`beside`).
"""

import __future__
import ast
import builtins
import dis
import linecache
import re
from typing import NamedTuple

ANNOTATIONS = __future__.annotations.compiler_flag
DEFINES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)  # of `compile`, for null bytes and deep nesting, too
TIMED = re.compile(r"^\s*%%(?:time|timeit|capture|prun)\b.*|(?:(?<==)|^)[ \t]*%time[ \t]+(?=\w)", re.MULTILINE)


class Statement(NamedTuple):
    """One top-level statement of a notebook. `place` counts through all cells, in the order in which they would run."""

    place: int
    cell: str  # the cell's id
    own: bool  # of the student's copy, not of the original
    new: bool  # of a cell of the copy that the original does not have
    node: ast.stmt
    code: object
    loads: frozenset  # names of the notebook that it reads
    stores: frozenset  # names that it binds
    changes: frozenset  # names whose value it changes or may change


def python_of(source):
    """A cell as Python: what only IPython understands (%magic, !shell, help?) calls `get_ipython()`; what is timed is plain."""
    try:
        ast.parse(source)
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager  # slow to import, and needed by few cells

        return TransformerManager().transform_cell(TIMED.sub(lambda timed: timed[0][: timed[0].find("%")], source))
    return source


def statements(original, copy):
    """(statements of both notebooks, {id of a cell of the copy that is no Python: why}). Each is a list of (id, source)."""
    found, broken, futures, given = [], {}, 0, {source for _, source in original}
    for own, cells in ((False, original), (True, copy)):
        for cell, written in cells:
            try:
                source = python_of(written)
                nodes, name = ast.parse(source).body, f"<cell {cell} at {len(found)}>"  # ids need not be unique in a copy
                linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
                for node in nodes:
                    code = compile(ast.Module([node], []), name, "exec", futures | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, True)
                    futures |= code.co_flags & ANNOTATIONS  # it holds for all cells below, as in a kernel
                    found.append(Statement(len(found), cell, own, own and written not in given, node, code, *_names(node, code)))
            except UNREADABLE as error:
                if own:
                    broken[cell] = f"{type(error).__name__}: {str(error).replace('<unknown>, ', '')}"
    return found, broken


def _names(node, code):
    loads, codes = set(), [code]
    for each in codes:  # grows while it is gone through
        codes += [part for part in each.co_consts if hasattr(part, "co_code")]
        loads |= {step.argval for step in dis.get_instructions(each) if step.opname in ("LOAD_NAME", "LOAD_GLOBAL")}
    stores = {step.argval for step in dis.get_instructions(code) if step.opname in ("STORE_NAME", "STORE_GLOBAL")}
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
    """The statements of the copy that bind a name to a function, those that hold no answer yet first."""
    own = [each for each in found if each.own and name in each.stores and not _is_result(each.node, name)]
    return sorted(own, key=lambda each: not _empty(each.node))


def _is_result(node, name):
    """Is it `f = f(1)` or `f = check_f(f)`, where the function that was meant had this name before?"""
    called = getattr(getattr(getattr(node, "value", None), "func", None), "id", "")
    return called == name or called.startswith("check_")


def is_made_of(name, statement):
    """Is it a statement as `f = jit(f)`, which makes something of what had the name before?"""
    return name in statement.loads and not isinstance(statement.node, DEFINES)


def _empty(node):
    """Is it a function with nothing but a docstring, dots, `pass`, and a `return` of nothing or of dots?"""

    def says_nothing(part):
        constant = isinstance(getattr(part, "value", None), ast.Constant)
        if isinstance(part, ast.Return):
            return part.value is None or (constant and part.value.value in (None, ...))
        return isinstance(part, ast.Pass) or (isinstance(part, ast.Expr) and constant)

    return isinstance(node, ast.FunctionDef) and all(map(says_nothing, node.body))


def needed(name, found, also=()):
    """The statements to run, in order, so that there is what the copy calls `name`; none, if the copy binds it nowhere.

    Of several definitions the last that holds an answer counts, with those that it is made of, as in `f = jit(f)`. Of other
    names, the last binding up to that cell, then one further down, then that of the original notebook; and what changes their
    values after it. `also` are statements to run too, with what they need.
    """
    if not (own := definitions(name, found)):
        return []
    chosen = [own.pop()]
    while own and is_made_of(name, chosen[-1]):
        chosen.append(own.pop())
    last, picked, seen = _last(chosen[0], found), {*chosen, *also}, {name}
    names = [more for statement in picked for more in statement.loads]
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


def _last(definition, found):
    """The place of the last statement in the cell of a definition."""
    return [each.place for each in found if each.own and each.cell == definition.cell][-1]


def beside(name, found):
    """What else the student's own cells do, up to that of the function: statements that no name may lead to."""
    end = _last(definitions(name, found)[-1], found)
    rest = [each for each in found if each.new and each.place <= end and not isinstance(each.node, DEFINES)]
    return [each for each in rest if name not in each.stores and not _says_nothing(each.node)]


def _says_nothing(node):
    """Is it a text, or a check of an exercise?"""
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) or getattr(getattr(value, "func", None), "id", "").startswith("check_")


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
    asked = [[*part.args, *(each.value for each in part.keywords)] for part in parts if getattr(part.func, "id", "") == check]
    return [each[0].id for each in asked if each and isinstance(each[0], ast.Name)]
