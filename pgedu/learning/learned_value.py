"""A value function that is learned: a baseline, and the critic of actor-critic methods."""

import copy

import numpy as np

from pgedu.gradients.returns import discounted_returns


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
