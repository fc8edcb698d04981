"""Trust regions: how far a step goes is measured in the policies' distance (KL), not in the parameters' length.

`observations` are [T, *R, B, ...] and `weights` [T, *R, B] say how much each of them counts: a rollout's mask, or, with
every state once, exact visits. All means below are weighted means over time and episodes, one for each run *R.
"""

from functools import partial

import numpy as np

from pgedu.arguments import no_underflow, number, numbers
from pgedu.experience.rollouts import masked_mean, shares
from pgedu.learning.actor_critics import a2c
from pgedu.learning.settings import Setting, optional, share, whole

SMALL = 64  # parameters, up to which the Fisher matrix itself is made: cheaper then than ten products with it


@no_underflow
def mean_kl(policy, theta, other, observations, weights):
    """Mean of KL(pi(. | o; theta) || pi(. | o; other)), [*R], in nats."""
    kl = policy.head.kl(policy.outputs(theta, observations), policy.outputs(other, observations))
    return masked_mean(kl, numbers("weights", weights, "[T, *R, B]", kl.shape, least=0))


@no_underflow
def fisher_matrix(policy, theta, observations, weights):
    """F = mean of E_a[score score^T], exact over actions: [*R, D, D].

    With J the Jacobian of the outputs and H the Fisher matrix of the head in its outputs, it is the mean of J^T H J.
    To second order mean_kl(theta, theta + d) = d^T F d / 2. Holds samples * outputs * D numbers: for small D.
    Source: Kakade (2001); Amari (1998).
    """
    theta = numbers("theta", theta, "[*R, D]", finite=False)  # a run that diverged has no Fisher matrix, and others have
    observations, weights = np.asarray(observations), np.asarray(weights)
    runs = theta.shape[:-1]
    share = shares(numbers("weights", weights, "[T, *R, B]", observations.shape[: theta.ndim + 1], least=0))
    # Each of the N = B T samples becomes an episode of one step: what is summed over time is then one for each sample.
    samples = np.moveaxis(observations, 0, weights.ndim - 1).reshape(1, *runs, -1, *observations.shape[weights.ndim :])
    share = np.moveaxis(share, 0, -1).reshape(*runs, -1)  # [*R, N]
    outputs, backward = policy.approximator.trace(theta, samples)
    units = np.eye(outputs.shape[-1])
    J = np.stack([backward(np.broadcast_to(unit, outputs.shape)) for unit in units], axis=-1)  # [*R, N, D, K]
    HJ = policy.head.fisher(outputs[0][..., None, :], J)
    return np.einsum("...n,...ndk,...nek->...de", share, J, HJ, optimize=True)


@no_underflow
def fisher_vector_product(policy, theta, observations, weights, vector, step=1e-5):
    """F vector, [*R, D], without F: J^T H J vector, from right to left.

    J vector is a central difference of the outputs along `vector`: exact for Table and Linear but for rounding, and to
    about nine digits for an MLP.
    """
    theta = numbers("theta", theta, "[*R, D]", finite=False)
    vector = numbers("vector", vector, "[*R, D]", theta.shape, finite=False)
    number("step", step, above=0)
    length = np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-300)
    along = step * vector / length
    outputs, backward = policy.approximator.trace(theta, observations)
    ahead, behind = (policy.outputs(theta + shift, observations) for shift in (along, -along))
    with np.errstate(invalid="ignore"):
        change = np.where(np.isneginf(outputs), 0.0, ahead - behind)  # a masked action stays masked
    tangent = change * (length / (2 * step))[..., None]
    weights = numbers("weights", weights, "[T, *R, B]", outputs.shape[:-1], least=0)
    product = policy.head.fisher(outputs, tangent) * shares(weights)[..., None]
    return backward(product).sum(axis=-2)


@no_underflow
def conjugate_gradient(product, target, iterations=10, tolerance=1e-10):
    """Solve product(x) = target [*R, D] for all runs at once, with product a positive definite matrix's.

    After D iterations it is exact but for rounding; a few give a good direction. Source: Nocedal & Wright (2006),
    algorithm 5.2.
    """
    target = numbers("target", target, "[*R, D]", finite=False)
    number("iterations", iterations, 0, whole=True)
    number("tolerance", tolerance, 0)
    x, residual = np.zeros_like(target), target.copy()
    direction, square = target.copy(), (target**2).sum(axis=-1, keepdims=True)
    enough = tolerance * square
    for _ in range(iterations):
        if np.all(square <= enough):
            break
        image = product(direction)
        curvature = (direction * image).sum(axis=-1, keepdims=True)
        going = (square > enough) & (curvature > 0)
        length = np.divide(square, curvature, out=np.zeros_like(square), where=going)
        x, residual = x + length * direction, residual - length * image
        new = (residual**2).sum(axis=-1, keepdims=True)
        direction = residual + np.divide(new, square, out=np.zeros_like(square), where=going) * direction
        square = np.where(going, new, 0.0)
    return x


@no_underflow
def natural_direction(policy, theta, gradient, observations, weights, damping=1e-3, iterations=10):
    """(F + damping I)^-1 gradient, [*R, D]: the direction in which J rises most for a given, small KL.

    With the Fisher matrix itself up to 64 parameters, by conjugate gradient beyond. Without damping, F may have no
    inverse: of the directions that solve F x = gradient it is then the shortest.
    Source: Kakade (2001); Schulman et al. (2015), appendix C.
    """
    number("damping", damping, least=0)
    theta = numbers("theta", theta, "[*R, D]", finite=False)
    gradient = numbers("gradient", gradient, "[*R, D]", theta.shape, finite=False)
    if theta.shape[-1] <= SMALL:
        fisher = fisher_matrix(policy, theta, observations, weights) + damping * np.eye(theta.shape[-1])
        finite = np.isfinite(fisher).all(axis=(-2, -1)) & np.isfinite(gradient).all(axis=-1)
        inverse = np.linalg.pinv(np.where(finite[..., None, None], fisher, 0.0), rcond=1e-10, hermitian=True)
        return np.where(finite[..., None], (inverse @ gradient[..., None])[..., 0], np.nan)

    def product(vector):
        return fisher_vector_product(policy, theta, observations, weights, vector) + damping * vector

    return conjugate_gradient(product, gradient, iterations)


class natural_gradient(a2c):  # noqa: N801
    """`a2c` along the natural gradient: theta <- theta + learning rate * (F + damping I)^-1 gradient.

    The step does not depend on how the policy is parametrised (up to the damping).

    Args:
        damping: added to the diagonal of the Fisher matrix.
        settings: those of `a2c`; the optimizer should be `SGD`.
    Source: Kakade (2001).
    """

    damping = Setting(partial(number, least=0), 1e-3)
    steps = Setting(optional(whole), 128)
    entropy = Setting(partial(number, least=0), 0.0)
    lam = Setting(share, 0.95)
    critic_steps = Setting(whole, 10)

    def direction(self, gradient, rollout):
        steps = rollout.observations[:-1], rollout.mask
        return natural_direction(self.policy, self.theta, gradient, *steps, self.damping)

    def ascend(self, gradient, rollout, psi):
        return super().ascend(self.direction(gradient, rollout), rollout, psi)


class trpo(natural_gradient):  # noqa: N801
    """Trust region policy optimisation: the longest step along the natural gradient that the trust region allows.

    Its length makes the quadratic model of the mean KL equal `max_kl`. If the real mean KL is more, or the surrogate,
    mean of ratio * psi, has not grown, the step is made shorter by a factor 0.8, up to ten times, and given up then.

    Args:
        max_kl: radius of the trust region, in nats.
        settings: those of `natural_gradient`, except the optimizer: the step has its length from `max_kl`.
    Source: Schulman et al. (2015), appendix C.
    """

    max_kl = Setting(partial(number, least=0), 0.01)
    optimizer = learning_rate = None

    def ascend(self, gradient, rollout, psi):
        observations, mask = rollout.observations[:-1], rollout.mask
        direction = self.direction(gradient, rollout)
        image = fisher_vector_product(self.policy, self.theta, observations, mask, direction)
        square = np.maximum((direction * image).sum(axis=-1), 1e-300)
        step = np.sqrt(2 * self.max_kl / square)[:, None] * direction
        accepted, kl = np.zeros(self.runs, dtype=bool), np.zeros(self.runs)
        theta, start = self.theta, masked_mean(psi, mask)
        for shrink in 0.8 ** np.arange(11):
            candidate = self.theta + shrink * step
            log_prob = self.policy.log_prob(candidate, observations, rollout.actions)
            surrogate = masked_mean(np.exp(np.where(mask, log_prob - rollout.log_probs, 0.0)) * psi, mask)
            distance = mean_kl(self.policy, self.theta, candidate, observations, mask)
            now = ~accepted & (distance <= self.max_kl) & (surrogate > start)
            theta, kl = np.where(now[:, None], candidate, theta), np.where(now, distance, kl)
            accepted |= now
            if accepted.all():
                break
        self.move(theta)
        return {"kl": kl, "rejected": ~accepted}
