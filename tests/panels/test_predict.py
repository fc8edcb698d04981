"""A prediction in every state: before and after an answer, before and after its panel is used, in any order of cells."""

import gc
import html
from types import SimpleNamespace

import IPython
import ipywidgets as widgets
import pytest

from pgedu.panels import cells, predict
from pgedu.panels.cells import replace_panels_of_cell
from pgedu.panels.predict import _ASKED, _MADE, claim
from pgedu.panels.still import VIEW

OPTIONS, WHY = ["it falls", "it rises", "it stays"], "The line goes up."


@pytest.fixture(autouse=True)
def a_new_kernel(monkeypatch):
    """Nothing has been asked yet; run(cell) as if that cell were running, once more."""
    shell = SimpleNamespace(execution_count=0)
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    monkeypatch.setattr(cells, "_PANELS", {})
    _ASKED.clear()
    _MADE.clear()

    def run(cell):
        shell.execution_count += 1
        shell.get_parent = lambda: {"metadata": {"cellId": cell}}

    run("the first")
    yield run
    _ASKED.clear()
    _MADE.clear()


def ask(question="What does x do?", options=OPTIONS, right="it rises", why=WHY):
    return predict(question, options, right, why)


class Panel:
    """Stands in for a panel: claims when it is made, and passes on that it is used."""

    def __init__(self):
        self.predictions = claim()
        replace_panels_of_cell(self)

    def use(self):
        for prediction in self.predictions:
            prediction.used()

    def close(self):
        self.predictions = []


def test_an_answer_that_holds():
    prediction, panel = ask(), Panel()
    assert prediction.outcome == "open" and prediction.said == "Choose one, or go on without."
    prediction.chosen = 1
    assert prediction.outcome == "open" and prediction.said.startswith("You said: it rises. Now try it in the panel")
    panel.use()
    assert prediction.outcome == "held" and prediction.said == f"✓ It held: it rises. {WHY}"


def test_an_answer_that_does_not_hold():
    prediction, panel = ask(), Panel()
    prediction.chosen = 2
    panel.use()
    assert prediction.outcome == "not yet"
    assert prediction.said == f"✗ Not yet. You said: it stays. What holds: it rises. {WHY}"


def test_who_goes_on_without_an_answer_is_told_after_use_and_not_blamed():
    prediction, panel = ask(), Panel()
    assert WHY not in prediction.said
    panel.use()
    assert prediction.outcome == "told" and prediction.said == f"○ What holds: it rises. {WHY}"


def test_it_may_be_changed_until_the_panel_has_been_used_and_not_afterwards():
    prediction, panel = ask(), Panel()
    prediction.chosen = 0
    prediction.chosen = 1
    assert "it rises" in prediction.said
    panel.use()
    told = prediction.said
    prediction.chosen = 0
    assert prediction.chosen == 1 and prediction.said == told
    panel.use()
    assert prediction.said == told


def test_an_answer_after_use_does_not_count():
    prediction, panel = ask(), Panel()
    panel.use()
    prediction.chosen = 1
    assert prediction.chosen is None and prediction.outcome == "told"


def test_nothing_that_a_page_is_sent_holds_the_answer_before_it_is_told():
    prediction = ask(why="Because of the tide.")
    Panel()
    prediction.chosen = 0
    sent = {name: value for name, value in prediction.get_state().items() if name not in ("options", "_esm", "_css")}
    assert "tide" not in str(sent) and "rises" not in str(sent)


def test_the_question_asked_again_keeps_the_answer_and_what_was_told():
    prediction, panel = ask(), Panel()
    prediction.chosen = 0
    assert ask() is prediction and prediction.chosen == 0 and "You said: it falls" in prediction.said
    panel.use()
    told = prediction.said
    assert ask() is prediction and prediction.said == told and prediction.outcome == "not yet"


@pytest.mark.parametrize("again", [["question"], ["panel"], ["question", "panel"], ["panel", "question"]], ids="-".join)
@pytest.mark.parametrize("used_before", [False, True])
def test_cells_run_again_in_any_order(a_new_kernel, again, used_before):
    run = a_new_kernel
    run("question")
    prediction = ask()
    run("panel")
    panel = Panel()
    prediction.chosen = 1
    if used_before:
        panel.use()
    for cell in again:
        run(cell)
        if cell == "question":
            assert ask() is prediction
        else:
            panel = Panel()
    assert prediction.chosen == 1 and prediction.outcome == ("held" if used_before else "open")
    panel.use()
    assert prediction.outcome == "held"


def test_two_questions_before_one_panel_are_both_told_and_later_panels_tell_neither(a_new_kernel):
    run = a_new_kernel
    first, second = ask("One?"), ask("Two?")
    run("panel")
    panel = Panel()
    run("another")
    other = Panel()
    other.use()
    assert first.outcome == second.outcome == "open"
    panel.use()
    assert first.outcome == second.outcome == "told"


def test_each_panel_tells_the_question_before_it_also_when_one_cell_makes_all(a_new_kernel):
    run = a_new_kernel
    for _ in range(3):
        run("all")
        first, early = ask("One?"), Panel()
        second, late = ask("Two?"), Panel()
        assert early.predictions == [first] and late.predictions == [second]


def test_a_question_that_comes_after_its_panel_is_told_when_that_is_made_again(a_new_kernel):
    run = a_new_kernel
    run("panel")
    Panel()
    run("question")
    prediction = ask()
    run("panel")
    again = Panel()
    again.use()
    assert prediction.outcome == "told"


def test_an_earlier_panel_that_is_made_again_in_between_does_not_take_the_question_away(a_new_kernel):
    run = a_new_kernel
    run("earlier")
    Panel()
    run("question")
    prediction = ask()
    run("earlier")
    Panel()
    run("panel")
    assert Panel().predictions == [prediction]


def test_without_a_notebook_the_next_panel_tells(monkeypatch):
    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    prediction = ask()
    assert Panel().predictions == [prediction] and Panel().predictions == []


def test_options_that_were_edited_keep_the_answer_if_it_is_still_one():
    prediction = ask()
    prediction.chosen = 2
    ask(options=["it stays", "it rises"])
    assert prediction.chosen == 0 and "You said: it stays" in prediction.said
    ask(options=["it falls", "it rises"])
    assert prediction.chosen is None and prediction.said == "Choose one, or go on without."


def test_a_widget_that_somebody_closed_is_there_again():
    prediction = ask()
    prediction.chosen = 1
    prediction.layout.close()
    prediction.close()
    assert ask() is prediction and prediction.comm is not None and prediction.layout.comm is not None
    assert prediction.chosen == 1 and "You said: it rises" in prediction.said


def test_fifty_runs_leave_one_widget(a_new_kernel):
    run = a_new_kernel

    def both():
        run("question")
        ask()
        run("panel")
        Panel()
        gc.collect()
        return len(widgets.widget._instances), len(_ASKED), len(_MADE), [len(each.places) for each in _ASKED.values()]

    first = both()
    assert [both() for _ in range(50)] == [first] * 50


def shown(prediction, monkeypatch):
    """The data of what it displays."""
    found = []
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: found.append(data))
    prediction._ipython_display_()
    return found


def test_the_still_is_the_question_with_its_options_and_never_changes(monkeypatch):
    prediction = ask("Is 1 < 2?", ["<b>yes</b>", "no & never"], "<b>yes</b>", WHY)
    still, live = shown(prediction, monkeypatch)
    assert still["text/plain"] == "Is 1 < 2?\n- <b>yes</b>\n- no & never"
    items = "".join(f"<li>{html.escape(option)}</li>" for option in prediction.options)
    assert 'class="pgedu-still"' in still["text/html"] and f"<ul>{items}</ul>" in still["text/html"]
    assert "Is 1 &lt; 2?" in still["text/html"] and "<b>yes" not in still["text/html"]
    assert live[VIEW]["model_id"] == prediction.model_id and "text/html" not in live
    prediction.chosen = 1
    prediction.used()
    assert shown(prediction, monkeypatch)[0] == still and WHY not in str(still)


@pytest.mark.parametrize("wrong, sentence", [
    ({"question": ""}, "question must be some text"), ({"question": 3}, "question must be some text"),
    ({"options": "ab"}, "options must be a list of 2 to 4 different answers"),
    ({"options": ["it rises"]}, "2 to 4"), ({"options": [*"abcd", "it rises"]}, "2 to 4"),
    ({"options": ["it rises", "it rises"]}, "different"),
    ({"options": ["it rises", " "]}, "an option must be some text"),
    ({"options": ["it rises", 5]}, "an option must be some text; got 5"),
    ({"right": "up"}, "right must be one of the options it falls, it rises, it stays; got 'up'"),
    ({"right": None}, "right must be one"), ({"why": "  "}, "why must be some text"),
])  # fmt: skip
def test_bad_input_is_said_and_nothing_is_asked(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        ask(**wrong)
    assert _ASKED == {}
