"""Baselines: what is subtracted from a return before it weights a score.

A baseline is a function (rollout, targets) -> array that broadcasts to targets [T, *R, B], the returns that it is
subtracted from. It leaves the gradient unbiased as long as it does not depend on the action it judges.
"""

import copy

import numpy as np

from pgedu.returns import discounted_returns


def none(rollout, targets):
    """b = 0."""
    return 0.0


def constant(value):
    """b = value, a number or [*R, 1]. Unbiased."""
    b = np.asarray(value, dtype=float)
    if not np.isfinite(b).all():
        raise ValueError(f"value must be finite; got {value}")
    return lambda rollout, targets: b


def batch_mean(rollout, targets):
    """b_t = mean over the B episodes of the batch, the judged one included (a reward-to-go is 0 after an end).

    Biased: E[g] is (1 - 1/B) times the gradient, so with one episode it is always 0.
    """
    return targets.mean(axis=-1, keepdims=True)


def leave_one_out(rollout, targets):
    """b_t = mean over the B - 1 other episodes of the batch (a reward-to-go is 0 after an end). Unbiased.

    Source: Kool et al. (2019); with one episode there is no other.
    Raises:
        ValueError: B = 1.
    """
    B = targets.shape[-1]
    if B < 2:
        raise ValueError(f"leave_one_out needs 2 or more episodes in a batch; got {B}")
    return (targets.sum(axis=-1, keepdims=True) - targets) / (B - 1)


def state_value(values):
    """b_t = v(o_t), from a function of observations, or from an array [O] or [*R, O]. Unbiased.

    Any function of the observation will do; with the true values, the weights are advantages. (Mind states that
    look alike: `values` are by observation, not by state.)
    Raises:
        ValueError: numbers that are not finite, or that do not fit the rollout.
    """
    if callable(values):
        return lambda rollout, targets: values(rollout.observations)[:-1]
    values = np.asarray(values, dtype=float)
    if values.ndim == 0 or not np.isfinite(values).all():
        raise ValueError(f"values must be a function, or finite numbers [O] or [*R, O]; got {values}")
    runs, O = values.shape[:-1], values.shape[-1]

    def baseline(rollout, targets):
        observations, batch = rollout.observations[:-1], targets.shape[1:]
        if batch[:-1][: len(runs)] != runs or observations.max(initial=0) >= O:
            wanted = f"[O] or [*R, O] with runs {batch[:-1]} and O > {observations.max(initial=0)}"
            raise ValueError(f"values must be {wanted}; got shape {values.shape}")
        run = np.arange(int(np.prod(runs))).reshape(*runs, *[1] * (len(batch) - len(runs)))
        return values.reshape(-1, O)[run, observations]

    return baseline


def optimal(policy, theta, *, gamma_power=True):
    """The constant that minimises the variance of the gradient, estimated from the OTHER episodes of the batch.

    Weights c_t (targets_t - b) give g = X - b S with X = sum c_t targets_t score_t and S = sum c_t score_t, so the
    best constant is b = E[X . S] / E[S . S] (Greensmith et al. 2004, section 4). Fitting it on the judged episode
    itself would bias the gradient; with the others it is unbiased.

    Args:
        gamma_power: as in the estimator it is used with (False for `total_return`, whose weights carry no gamma^t).
    Raises:
        ValueError: B = 1.
    """

    def baseline(rollout, targets):
        B = targets.shape[-1]
        if B < 2:
            raise ValueError(f"optimal needs 2 or more episodes in a batch; got {B}")
        weights = rollout.mask
        if gamma_power:
            ones = np.concatenate([np.ones_like(weights[:1]), rollout.discounts[:-1]])
            weights = weights * np.cumprod(ones, axis=0)
        steps = (theta, rollout.observations[:-1], rollout.actions)
        X, S = policy.score(*steps, weights * targets), policy.score(*steps, weights)
        above, below = (X * S).sum(axis=-1), (S * S).sum(axis=-1)
        others = below.sum(axis=-1, keepdims=True) - below
        best = above.sum(axis=-1, keepdims=True) - above
        return np.divide(best, others, out=np.zeros_like(best), where=others > 0)

    return baseline


class LearnedValue:
    """b_t = v(s_t; w), learned: w moves towards the reward-to-go after each batch has been judged, so it is unbiased.

    w <- w + learning_rate * mean over the batch's steps of (target_t - v(s_t; w)) grad v(s_t; w). The mean, rather
    than the sum of Sutton & Barto (2018, section 13.4), makes one learning rate fit short and long episodes:
    for a Table any of 1 or less is stable. `w` is [*R, D_w]: every run learns a baseline of its own.

    Of whole episodes the sum is divided by the number of steps that batches usually have (a running mean, but no less
    than half of this batch's): divided by its own number, short episodes would have more say than long ones.

    It is the critic of actor-critic methods, too, which hand it targets of their own. A training makes a copy and
    starts it afresh whenever it is made the training's baseline or critic; `training.baseline.w` is what was learned.

    Args:
        approximator: with one output, on the same observations as the policy.
        optimizer: SGD, Adam, ...; each start begins with a copy of it as it is now.
    """

    def __init__(self, approximator, optimizer):
        if approximator.outputs != 1:
            raise ValueError(f"approximator must have 1 output, the value; got {approximator.outputs}")
        self.approximator, self._fresh_optimizer = approximator, copy.deepcopy(optimizer)
        self.w = None

    def start(self, rng, runs=None):
        """Fresh parameters w [*R, D_w], and an optimiser that has seen nothing."""
        self.w, self._usual_steps = self.approximator.init(rng, runs), None
        self.optimizer = copy.deepcopy(self._fresh_optimizer)

    def values(self, observations):
        """v(o; w), [..., *R, B], of observations [..., *R, B, ...]."""
        if self.w is None:
            raise ValueError("a LearnedValue must be started before it is used: start(rng, runs), as a training does")
        return self.approximator.forward(self.w, observations)[..., 0]

    def __call__(self, rollout, targets):
        return self.values(rollout.observations[:-1])

    def update(self, rollout):
        """Move w towards the returns of this batch."""
        targets = discounted_returns(rollout.rewards, rollout.discounts)
        self.learn(rollout.observations[:-1], targets, rollout.mask, whole=True)

    def learn(self, observations, targets, mask, *, whole=False, **near):
        """One step towards targets [T, *R, B], where mask is 1; `whole`: of whole episodes; `near` as in `gradient`."""
        gradient = self.gradient(self.w, observations, targets, mask, **near)
        if whole:
            steps = mask.sum(axis=(0, -1))
            usual = steps if self._usual_steps is None else self._usual_steps
            gradient *= (steps / np.maximum(usual, steps / 2))[..., None]
            self._usual_steps = usual + 0.1 * (steps - usual)
        self.w = self.optimizer.step(self.w, gradient)

    def gradient(self, w, observations, targets, mask, near=None, clip=np.inf):
        """Mean over the steps of (target - v) grad v, at w [*R, D_w].

        `near` [T, *R, B] are values from which v is to go no further than `clip`: a sample has no say where that
        makes its squared error larger (value clipping, in the program that came with Schulman et al. 2017).
        """
        outputs, backward = self.approximator.trace(w, observations)
        values = outputs[..., 0]
        errors = (targets - values) * mask
        if near is not None and np.isfinite(clip):
            clipped = np.clip(values, near - clip, near + clip)  # exactly the value, where it is near enough
            errors *= (targets - clipped) ** 2 <= (targets - values) ** 2
        steps = np.maximum(mask.sum(axis=(0, -1)), 1)  # [*R]
        return backward(errors[..., None]).sum(axis=-2) / steps[..., None]
