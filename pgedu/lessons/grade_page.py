"""The page on what a class has handed in: who passed what, which diagnoses were most frequent, every row with its reason."""

import html
import re
from collections import Counter

SIGNS = {"right": "✓ right", "wrong": "✗ not yet", "not attempted": "○ not attempted", "missing": "– missing",
         "stopped": "! stopped", "unclear": "? look at it", "no notebook": "! no notebook"}  # fmt: skip
# What differs from student to student in the sentences of checks: numbers, and what a function was given.
PLAINER = [
    (r"^Given .*", "Another answer than the right one, by no mistake that has a name."),
    (r"^Biased: .*", "Biased, by no mistake that has a name."),
    (r"^(Your code stopped with \w+|The cell stops before there is a function: \w+).*", r"\1."),
    (r" \(given .*\)", ""),
]
STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff }
body { max-width: 75em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 } .wide { overflow-x: auto }
th, td { border: 1px solid #999; padding: .2em .6em; text-align: left; vertical-align: top }
td a { color: inherit; white-space: nowrap }
.right { background: #d5e8f5 } .wrong, .unclear { background: #fbe3d3 } .stopped, .missing, .no-notebook { background: #eee }
.bar { display: inline-block; height: .8em; background: #0072b2; margin-right: .5em }
"""
SOLUTIONS = """<h2>Solutions</h2>
<p>They are neither in the notebooks nor in the package that students install, and this page shows none. A teacher finds them
in the repository: <code>tests/lessons/solutions.py</code> has an answer to each exercise, and
<code>python tests/lessons/solved.py FOLDER</code> writes notebooks with all of them filled in. So give students the folder
<code>notebooks</code> and the installed package, and not the repository. The checks themselves are in the package, and whoever
reads their source finds formulas there: they are for learning, and are no examination.</p>
<p>Only exercises with a check are graded. Questions answered in words, and panels of their own, are for you to read.</p>"""


def page(rows):
    """All rows as an HTML page that needs nothing else. Whatever students wrote is shown as text."""
    anchors = {row: f"row-{n}" for n, row in enumerate(rows)}
    parts = ["<h1>What was handed in</h1>", _summary(rows), _who_passed_what(rows, anchors), _no_notebooks(rows),
             _diagnoses(rows), _everything(rows, anchors), SOLUTIONS]  # fmt: skip
    start = '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>What was handed in</title>'
    return f"{start}<style>{STYLE}</style></head><body><main>\n" + "\n".join(parts) + "\n</main></body></html>\n"


def _summary(rows):
    counts = Counter(row.status for row in rows)
    return f"<p>{', '.join(f'{SIGNS[status]}: {counts[status]}' for status in SIGNS if counts[status]) or 'Nothing.'}</p>"


def _table(title, heads, lines):
    """A heading and a table of cells that are HTML already; the first of each line is its head. It scrolls by keyboard, too."""
    top = "".join(f'<th scope="col">{head}</th>' for head in heads)
    body = "".join(f'<tr><th scope="row">{line[0]}</th>{"".join(line[1:])}</tr>\n' for line in lines)
    table = f"<table><thead><tr>{top}</tr></thead>\n<tbody>\n{body}</tbody></table>"
    return f'<h2>{title}</h2>\n<div class="wide" role="region" tabindex="0" aria-label="{title}">{table}</div>'


def _who_passed_what(rows, anchors):
    """A line for each student, a column for each exercise; of two copies of a notebook both are shown."""
    tables = []
    for notebook in sorted({row.notebook for row in rows if row.exercise}):
        here = [row for row in rows if row.notebook == notebook and row.exercise]
        exercises, lines = list(dict.fromkeys(row.exercise for row in here)), []
        for name in dict.fromkeys(row.student for row in here):
            cells = [[row for row in here if (row.student, row.exercise) == (name, exercise)] for exercise in exercises]
            lines.append([html.escape(name), *(_signs(cell, anchors) for cell in cells)])
        share = [sum(row.status == "right" for row in here if row.exercise == exercise) for exercise in exercises]
        lines.append(["passed", *(f"<td>{count} of {len(here) // len(exercises)}</td>" for count in share)])
        tables.append(_table(f"Who passed what in {html.escape(notebook)}", ["student", *map(_code, exercises)], lines))
    return "\n".join(tables)


def _no_notebooks(rows):
    lines = [[html.escape(row.student), *map(_cell, (row.file, row.reason))] for row in rows if not row.exercise]
    return _table("Files that are no notebooks", ("student", "file", "why"), lines) if lines else ""


def _signs(rows, anchors):
    kind = rows[-1].status.replace(" ", "-") if rows else ""
    links = [f'<a href="#{anchors[row]}">{SIGNS[row.status]}</a>' for row in rows]
    return f'<td class="{kind}">{"<br>".join(links)}</td>'


def diagnosis(reason):
    """The sentence of a check without what differs from student to student."""
    for pattern, plainer in PLAINER:
        reason = re.sub(pattern, plainer, reason, flags=re.DOTALL)
    return reason


def _diagnoses(rows):
    failed = [row for row in rows if row.status in ("wrong", "stopped", "unclear")]
    counts = Counter((row.notebook, row.exercise, diagnosis(row.reason)) for row in failed)
    most = max(counts.values(), default=1)
    lines = [[_code(exercise), _cell(notebook), _cell(reason),
              f'<td><span class="bar" style="width: {5 * count / most:.2f}em"></span>{count}</td>']
             for (notebook, exercise, reason), count in counts.most_common(20)]  # fmt: skip
    return _table("The most frequent diagnoses", ("exercise", "notebook", "what was said", "how often"), lines) if lines else ""


def _everything(rows, anchors):
    lines = [[f'<span id="{anchors[row]}">{html.escape(row.student)}</span>', _cell(row.file),
              f"<td>{_code(row.exercise)}</td>",
              f'<td class="{row.status.replace(" ", "-")}">{SIGNS[row.status]}</td>', _cell(row.reason), _cell(row.notes)]
             for row in rows]  # fmt: skip
    return _table("Every row", ("student", "file", "exercise", "verdict", "why", "notes"), lines)


def _code(name):
    return f"<code>{html.escape(name)}</code>" if name else ""


def _cell(sentence):
    """A cell with text, in which `ticks` mark code."""
    marked = re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(sentence))
    return f"<td>{marked}</td>"
