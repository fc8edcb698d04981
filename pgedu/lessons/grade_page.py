"""The page on what a class has handed in: who passed what, which diagnoses were most frequent, every row with its reason."""

import html
import re
from collections import Counter

SIGNS = {"right": "✓ right", "wrong": "✗ not yet", "not attempted": "○ not attempted", "missing": "– missing",
         "stopped": "! stopped", "unclear": "? look at it", "no notebook": "! no notebook"}  # fmt: skip
OTHER = "Another answer than the right one: no mistake that has a name, and nobody else's."
# What differs from student to student in the sentences of checks: numbers, and what a function was given.
PLAINER = [
    (r"^(Given|Biased:) .*", OTHER),
    (r"^(Your code stopped with \w+|The cell stops before there is a function: \w+).*", r"\1."),
    (r" \(given .*?\)(?=[.:]|$)", ""),
]
STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff }
body { max-width: 75em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 } .wide { overflow-x: auto }
th[scope=row] { min-width: 7em; max-width: 18em; overflow-wrap: anywhere } th code { white-space: nowrap }
.now td, .now th { padding: .2em .35em } .all td:nth-child(2) { min-width: 9em; overflow-wrap: anywhere }
.all td:nth-child(5) { min-width: 20em }
th, td { border: 1px solid #999; padding: .2em .6em; text-align: left; vertical-align: top }
td a, th a { color: inherit; white-space: nowrap }
.right { background: #d5e8f5 } .wrong, .unclear { background: #fbe3d3 } .stopped, .missing, .no-notebook { background: #eee }
.bars { white-space: nowrap } .bar { display: inline-block; height: .8em; background: #0072b2; margin-right: .5em }
"""
SOLUTIONS = """<h2>Solutions</h2>
<p>They are neither in the notebooks nor in the package that students install, and this page shows none. A teacher finds them
in the repository: <code>tests/lessons/solutions.py</code> has an answer to each exercise, and
<code>python tests/lessons/solved.py FOLDER</code> writes notebooks with all of them filled in. So give students the notebooks
(without <code>TEACHING.md</code>) and the installed package, and not the repository. The checks themselves are in the package,
and whoever reads their source finds formulas there: they are for learning, and are no examination.</p>
<p>Only exercises with a check are graded. Questions answered in words, and panels of their own, are for you to read.</p>"""


def page(rows):
    """All rows as an HTML page that needs nothing else. Whatever students wrote is shown as text."""
    anchors, best = {row: f"row-{n}" for n, row in enumerate(rows)}, _best(rows)
    parts = ["<h1>What was handed in</h1>", _summary(rows, best), _overview(rows, best), _diagnoses(rows, anchors),
             _no_notebooks(rows), _who_passed_what(rows, anchors, best), _everything(rows, anchors), SOLUTIONS]  # fmt: skip
    start = '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>What was handed in</title>'
    return f"{start}<style>{STYLE}</style></head><body><main>\n" + "\n".join(parts) + "\n</main></body></html>\n"


def _best(rows):
    """{(student, notebook, exercise): status}, of several copies the best."""
    found, order = {}, list(SIGNS)
    for row in sorted([row for row in rows if row.exercise], key=lambda row: order.index(row.status)):
        found.setdefault((row.student, row.notebook, row.exercise), row.status)
    return found


def _students(rows):
    return list(dict.fromkeys(row.student for row in rows))


def _summary(rows, best):
    counts, names = Counter(row.status for row in rows), _students(rows)
    said = [", ".join(f"{SIGNS[status]}: {counts[status]}" for status in SIGNS if counts[status]) or "Nothing."]
    has = {name: {status for (student, *_), status in best.items() if student == name} for name in names}
    for sentence, kinds in (("Nothing that can be graded came from", set()), ("Nothing was attempted by", {"not attempted"})):
        those = ", ".join(html.escape(name) for name in names if has[name] == kinds)
        said += [f"<b>{sentence}</b> {those}."] if those else []
    return "\n".join(f"<p>{sentence}</p>" for sentence in said)


def _overview(rows, best):
    """A line for each student, a column for each notebook, whose head leads to what was passed in it."""
    notebooks, lines = sorted({row.notebook for row in rows if row.exercise}), []
    for name in _students(rows):
        of = [[status for key, status in best.items() if key[:2] == (name, each)] for each in notebooks]
        right = sum(statuses.count("right") for statuses in of)
        lines.append([html.escape(name), f"<td>{right}</td>", *map(_share, of)])
    every = len({key[1:] for key in best})
    table = _table("How far everybody is", ["student", f"right of {every}", *map(_number, notebooks)], lines, "now")
    return f"{table}<p>2/3: of three exercises two are right. ○: handed in, and nothing attempted. –: not handed in.</p>"


def _number(notebook):
    """Of a notebook's name what stands before its first underscore, as a link to who passed what in it."""
    return f'<a href="#{html.escape(notebook)}">{html.escape(notebook.split("_")[0])}</a>'


def _share(statuses):
    if not statuses or set(statuses) == {"not attempted"}:
        return f"<td>{'○' if statuses else '–'}</td>"
    right = statuses.count("right")
    return f'<td class="{"right" if right == len(statuses) else "wrong"}">{right}/{len(statuses)}</td>'


def _table(title, heads, lines, kind=""):
    """A heading and a table of cells that are HTML already; the first of each line is its head. It scrolls by keyboard, too."""
    top = "".join(f'<th scope="col">{head}</th>' for head in heads)
    body = "".join(f'<tr><th scope="row">{line[0]}</th>{"".join(line[1:])}</tr>\n' for line in lines)
    table = f"<table class='{kind}'><thead><tr>{top}</tr></thead>\n<tbody>\n{body}</tbody></table>"
    return f'<h2>{title}</h2>\n<div class="wide" role="region" tabindex="0" aria-label="{title}">{table}</div>'


def _who_passed_what(rows, anchors, best):
    """For each notebook a line for each student, a column for each exercise; of two copies both are shown."""
    tables = []
    for notebook in sorted({row.notebook for row in rows if row.exercise}):
        here = [row for row in rows if row.notebook == notebook and row.exercise]
        exercises, names, lines = list(dict.fromkeys(row.exercise for row in here)), _students(here), []
        for name in names:
            cells = [[row for row in here if (row.student, row.exercise) == (name, exercise)] for exercise in exercises]
            kinds = [best[name, notebook, exercise] for exercise in exercises]
            lines.append([html.escape(name), *(_signs(*cell, anchors) for cell in zip(cells, kinds))])
        share = [sum(best[name, notebook, exercise] == "right" for name in names) for exercise in exercises]
        lines.append(["passed", *(f"<td>{count} of {len(names)}</td>" for count in share)])
        table = _table(f"Who passed what in {html.escape(notebook)}", ["student", *map(_code, exercises)], lines)
        tables.append(f'<div id="{html.escape(notebook)}">{table}</div>')
    return "\n".join(tables)


def _no_notebooks(rows):
    """What could not be graded: of each student the files with the same fault in one line, for there may be hundreds."""
    files = {}
    for row in rows:
        if not row.exercise:
            files.setdefault((row.student, row.reason), []).append(row.file)
    lines = [[html.escape(student), _cell(", ".join(of[:5]) + (f" and {len(of) - 5} more" if of[5:] else "")), _cell(reason)]
             for (student, reason), of in files.items()]  # fmt: skip
    return _table("Files that are no notebooks", ("student", "files", "why"), lines) if lines else ""


def _signs(rows, kind, anchors):
    links = [f'<a href="#{anchors[row]}">{SIGNS[row.status]}</a>' for row in rows]
    return f'<td class="{kind.replace(" ", "-")}">{"<br>".join(links)}</td>'


def diagnosis(reason):
    """The sentence of a check without what differs from student to student."""
    for pattern, plainer in PLAINER:
        reason = re.sub(pattern, plainer, reason, flags=re.DOTALL)
    return reason


def _diagnoses(rows, anchors):
    """What was said to most students: first the mistakes that have a name, or that several have made in the same way."""
    failed = [row for row in rows if row.status in ("wrong", "stopped", "unclear")]
    alike = Counter((exercise, reason) for _, exercise, reason in {(row.student, row.exercise, row.reason) for row in failed})
    who = {}  # students, each with a row, of each diagnosis
    for row in failed:
        plain = diagnosis(row.reason)
        said = row.reason if plain == OTHER and alike[row.exercise, row.reason] > 1 else plain
        who.setdefault((said == OTHER, row.notebook, row.exercise, said), {}).setdefault(row.student, row)
    most = max(map(len, who.values()), default=1)
    first = sorted(who.items(), key=lambda each: (each[0][0], -len(each[1])))[:20]
    lines = [[_code(exercise), f"<td>{_number(notebook)}</td>", _cell(said), _bar(len(those), most), _example(those, anchors)]
             for (_, notebook, exercise, said), those in first]  # fmt: skip
    heads = ("exercise", "notebook", "what was said", "students", "for example")
    return _table("The most frequent diagnoses", heads, lines) if lines else ""


def _bar(count, most):
    return f'<td class="bars"><span class="bar" style="width: {5 * count / most:.2f}em"></span>{count}</td>'


def _example(those, anchors):
    name, row = next(iter(those.items()))
    return f'<td><a href="#{anchors[row]}">{html.escape(name[:20])}</a></td>'


def _everything(rows, anchors):
    lines = [[f'<span id="{anchors[row]}">{html.escape(row.student)}</span>', _cell(row.file),
              f"<td>{_code(row.exercise)}</td>",
              f'<td class="{row.status.replace(" ", "-")}">{SIGNS[row.status]}</td>', _cell(row.reason), _cell(row.notes)]
             for row in rows]  # fmt: skip
    return _table("Every row", ("student", "file", "exercise", "verdict", "why", "notes"), lines, "all")


def _code(name):
    return f"<code>{html.escape(name)}</code>" if name else ""


def _cell(sentence):
    """A cell with text, in which `ticks` mark code."""
    marked = re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(sentence))
    return f"<td>{marked}</td>"
