"""A log from a plain table: what is read, what is refused."""

import numpy as np
import pytest

from pgedu import rollout_from_table, standard_error, trajectory_importance


def test_a_table_by_hand():
    rollout = rollout_from_table([2, 0, 1], [1, 0, 3], [0.5, 0.25, 1], observations=[7, 8, 9])
    assert rollout.actions.tolist() == [[2, 0, 1]] and rollout.actions.dtype == int
    assert rollout.rewards.tolist() == [[1, 0, 3]] and rollout.rewards.dtype == float
    assert np.exp(rollout.log_probs).tolist() == [[0.5, 0.25, 1]]
    assert rollout.observations.tolist() == [[7, 8, 9], [7, 8, 9]] and rollout.observations.dtype == int
    assert rollout.discounts.tolist() == [[0, 0, 0]] and rollout.mask.tolist() == [[1, 1, 1]]
    chances = np.array([0.1, 0.5, 1])
    found = trajectory_importance(rollout, np.log([chances]))
    assert found == pytest.approx([0.1 / 0.5, 0, 3]) and standard_error(found) > 0


def test_whole_numbers_are_not_truncated_by_what_is_made_of_them():
    rollout = rollout_from_table([0, 1], np.array([1, 2], dtype=np.int8), 0.5)
    assert rollout._replace(rewards=rollout.rewards / 3).rewards.tolist() == [[1 / 3, 2 / 3]]
    assert rollout_from_table([0, 1], [True, False], 0.5).rewards.tolist() == [[1, 0]]


def test_columns_of_other_kinds():
    rollout = rollout_from_table([1.0, True], [0.5, 1], 0.25, observations=[[0.5, 1], [2, 3]])
    assert rollout.actions.tolist() == [[1, 1]] and rollout.observations.shape == (2, 2, 2)
    assert np.exp(rollout.log_probs).tolist() == [[0.25, 0.25]]
    assert rollout_from_table([1, 0], [0, 1], 0.5).observations.tolist() == [[0, 0], [0, 0]]
    runs = rollout_from_table(np.zeros((3, 4), int), np.ones((3, 4)), np.full((3, 4), 0.5))
    assert runs.rewards.shape == (1, 3, 4) and runs.observations.shape == (2, 3, 4)


def test_the_table_stays_the_readers_and_the_log_cannot_be_written_into():
    columns = [np.array([0, 1]), np.array([1.0, 0.0]), np.array([0.5, 0.5]), np.array([0, 1])]
    rollout = rollout_from_table(*columns)
    assert not any(field.flags.writeable for field in rollout)
    for column in columns:
        column[:] = 0
    assert (rollout.actions.sum(), rollout.rewards.sum(), rollout.observations.sum()) == (1, 1, 2)


def test_labels_become_codes_as_the_sentence_says():
    column = np.array(["wait", "offer", "wait"])
    with pytest.raises(ValueError, match="labels") as refused:
        rollout_from_table(column, [0, 1, 0], 0.5)
    assert "numpy.unique(labels, return_inverse=True)" in str(refused.value)
    labels, actions = np.unique(column, return_inverse=True)
    assert labels[rollout_from_table(actions, [0, 1, 0], 0.5).actions[0]].tolist() == column.tolist()


@pytest.mark.parametrize(("columns", "sentence"), [
    (([0, 1], [0, 1], None), "propensities must be the recorded chance of each action that was taken, without which"),
    (([0, 1], [0, 1], [0.5, np.nan]), "propensities must be recorded in every row; got nan in row 1, 1 such rows in all"),
    (([0, 1], [0, 1], [0.5, None]), "propensities must be numbers"),
    (([0, 1], [0, 1], [0.0, 0.0]), "propensities must be above 0 and at most 1; got 0 in row 0, 2 such rows in all"),
    (([0, 1], [0, 1], [0.5, 1.5]), "propensities must be above 0 and at most 1; got 1.5 in row 1, 1 such"),
    (([0, 1], [0, 1], [-0.7, 0.5]), "propensities must be above 0 and at most 1; got -0.7 in row 0"),
    (([0, 1], [0, 1], [0.5, 0.5, 0.5]), r"propensities must be \[\*R, B\] = \(2,\); got shape \(3,\)"),
    (([0, 1.5], [0, 1], 0.5), "actions must be whole numbers from 0 to 2147483647; got 1.5 in row 1"),
    (([0, -1], [0, 1], 0.5), "actions must be whole numbers from 0 to 2147483647; got -1 in row 1"),
    (([0, 1e300], [0, 1], 0.5), "actions must be whole numbers from 0 to 2147483647; got 1e.300 in row 1"),
    (([2**60 + 1, 1], [0, 1], 0.5), "actions must be whole numbers from 0 to 2147483647; got 1.15292e.18 in row 0"),
    (([0, 1, 1], [0, 1], 0.5), r"actions must be \[\*R, B\] = \(2,\); got shape \(3,\)"),
    (([0, np.nan], [0, 1], 0.5), "actions must be finite numbers"),
    (([0, 1], [0, np.nan], 0.5), "rewards must be finite numbers"),
    (([0, 1], ["yes", "no"], 0.5), "rewards must be numbers"),
    (([], [], 0.5), r"rewards must be \[\*R, B\] with a row or more; got shape \(0,\)"), ((0, 1, 0.5), "rewards must be .* row or more"),
    (([0, 1], [0, 1], 0.5, [1, 2, 3]), r"observations must be \[\*R, B, ...\] with \[\*R, B\] = \(2,\); got shape \(3,\)"),
    (([0, 1], [0, 1], 0.5, ["left", "right"]), "observations must be numbers"),
    (([[0, 1], [2, -3]], np.ones((2, 2)), 0.5), "got -3 in row 1, 1, 1 such rows"),
])  # fmt: skip
def test_columns_that_are_refused(columns, sentence):
    with pytest.raises(ValueError, match=sentence):
        rollout_from_table(*columns)
