"""What stays when nobody is there to move it: a panel's picture and words, in the file, on paper and in exports.

A front end that once had a widget and has lost it (the notebook was closed and is opened again) shows an error box, for
it prefers the widget to every other form of the same output. So the still picture and words are outputs of their own,
above the live one; a style hides them while the live one is there, and hides the box while it is not.
"""

import html
import sys

from pgedu.panels.cells import id_of_cell

# What stands beside the three dots of a collapsed output: not yet what the picture shows, which may answer a question.
PICTURE = "The picture of a panel. What it shows is said below it."
VIEW = "application/vnd.jupyter.widget-view+json"
LIVE = "pgedu-live"  # the class of live widgets

_CHILD, _LIVE = ".jp-OutputArea-child", f".{LIVE}"
_STYLE = f"""<style>
{_CHILD}:has(.pgedu-still):has(+ {_CHILD} {_LIVE}),
{_CHILD}:has(+ {_CHILD} .pgedu-still-of-picture):has(+ {_CHILD} + {_CHILD} {_LIVE}),
{_CHILD}:has(.pgedu-still) + {_CHILD} > .jp-OutputArea-output:not([data-mime-type]):not(:has(*)) {{ display: none; }}
</style>"""


def show(live, body, words, picture=None):
    """Display a live widget, and what stays of it: `body` is HTML, `words` plain text, `picture` base64 of a PNG.

    Where the style cannot work, since the front end is no page of Jupyter's, all are forms of a single output.
    """
    from IPython.display import display

    view = {"version_major": 2, "version_minor": 0, "model_id": live.model_id}
    if _elsewhere():
        forms = {"text/plain": words} | ({"image/png": picture} if picture else {"text/html": body})
        display({VIEW: view} | forms, raw=True)
        return
    if picture:
        alt = {"image/png": {"alt": words}}
        display({"image/png": picture, "text/plain": PICTURE}, raw=True, metadata=alt)
    kind = "pgedu-still pgedu-still-of-picture" if picture else "pgedu-still"
    display({"text/html": f'{_STYLE}\n<div class="{kind}">{body}</div>', "text/plain": words}, raw=True)
    display({VIEW: view}, raw=True)


def paragraph(words):
    """Words as they stand below a still picture."""
    return f"<p>{html.escape(words)} <i>(A still picture: run the cell to move it.)</i></p>"


def _elsewhere():
    """Whether the cell was run by a front end that shows outputs its own way: VS Code, Colab."""
    return "google.colab" in sys.modules or str(id_of_cell()).startswith("vscode")
