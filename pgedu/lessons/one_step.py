"""Notebook 08: worlds of one step with continuous actions, f(a) = h(a_1) + ... + h(a_d), and all that is exact of them."""

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from pgedu.arguments import no_underflow, number, numbers, parameters, refuse

FARTHEST, WIDEST = 1e60, np.exp(100)  # of mu and of sigma or 1 / sigma: beyond, they count as that, and nothing overflows


class Hill:
    """A world of one step: act a, a vector of d numbers, be paid f(a) = sum_i h(a_i), and the episode is over.

    There is one observation, 0. Policies have normal actions a = mu + sigma z, such as

        Policy.gaussian(Table(observations=1, outputs=d), log_std)       with theta = (mu [d], log sigma [d]).

    Everything below is a closed form, linear in d. A shape (see `hills`) has `dimensions`, and these functions of
    numbers that broadcast against [..., d], with independent a ~ N(mu, sigma^2) and its mirror image a' = 2 mu - a:

        terms(a), slope(a)         h and h', [..., d]
        mean(mu, sigma)            E h(a), and its first and second derivative in mu
        square(mu, sigma)          E h(a)^2, and its second derivative in mu
        slope_square(mu, sigma)    E h'(a)^2
        mirror(mu, sigma)          E h(a) h(a'), and E z^2 h(a) h(a')
    """

    gamma, horizon = 1.0, 1
    dimensions = 1

    def height(self, actions):
        """f(a) = sum_i h(a_i), [...], of actions [..., d]."""
        return self.terms(numbers("actions", actions, "[..., d]")).sum(axis=-1)

    @no_underflow
    def expected(self, mu, sigma):
        """J(mu, sigma) = E f(a), [...]; mu and sigma are numbers or [..., d]."""
        return self.mean(*self._normal(mu, sigma))[0].sum(axis=-1)

    @no_underflow
    def gradient(self, mu, sigma):
        """(dJ/d mu, dJ/d log sigma), each [..., d]; the second is sigma^2 d^2 J / d mu^2 (a normal density diffuses)."""
        mu, sigma = self._normal(mu, sigma)
        _, slope, curvature = self.mean(mu, sigma)
        return slope, sigma**2 * curvature

    def score_variance(self, mu, sigma, baseline=0.0):
        """Total variance of the score function's estimate (f(a) - b) z / sigma of dJ/d mu, from one a: [...].

        E (f - b)^2 z_i^2 needs no more than five moments of each h(a_i), since the a_i are independent.

        Args:
            baseline: b, a number or [...], such as `expected(mu, sigma)` or `best_baseline(mu, sigma)`.
        """
        below, squared, G = self._weighted(mu, sigma)
        b = np.asarray(baseline)[..., None]
        precision = self._normal(mu, sigma)[1] ** -2
        return ((squared - 2 * b * below + b**2) * precision - G**2).sum(axis=-1)

    def best_baseline(self, mu, sigma):
        """The constant for which `score_variance` is least, E[f |score|^2] / E |score|^2: [...]."""
        below, _, _ = self._weighted(mu, sigma)
        precision = self._normal(mu, sigma)[1] ** -2
        return (below * precision).sum(axis=-1) / precision.sum(axis=-1)

    @no_underflow
    def pathwise_variance(self, mu, sigma):
        """Total variance of the pathwise estimate h'(a_i) of dJ/d mu_i, from one a: sum_i E h'^2 - (E h')^2, [...].

        About its own mean, which is not dJ/d mu where h jumps.
        """
        mu, sigma = self._normal(mu, sigma)
        return (self.slope_square(mu, sigma) - self.mean_slope(mu, sigma) ** 2).sum(axis=-1)

    def mean_slope(self, mu, sigma):
        """E h'(a) [..., d], what pathwise estimates are on average: dJ/d mu, unless h jumps."""
        return self.mean(*self._normal(mu, sigma))[1]

    @no_underflow
    def antithetic_variance(self, mu, sigma):
        """Total variance of the score function's mean over a pair a, a': (f(a) - f(a')) z / (2 sigma), [...].

        One number for two calls of f. A baseline drops out.
        """
        mu, sigma = self._normal(mu, sigma)
        _, G, _ = self.mean(mu, sigma)
        square, bend = self.square(mu, sigma)
        product, weighted = self.mirror(mu, sigma)
        odd = (square - product) / 2  # E o^2 of the odd part o = (h(a) - h(a')) / 2, and E o^2 z^2
        odd_weighted = (square + sigma**2 * bend - weighted) / 2
        others = odd.sum(axis=-1, keepdims=True) - odd
        return ((odd_weighted + others) / sigma**2 - G**2).sum(axis=-1)

    @no_underflow
    def _weighted(self, mu, sigma):
        """(E f z_i^2, E f^2 z_i^2, dJ/d mu_i), each [..., d]: f is h_i and an independent rest."""
        mu, sigma = self._normal(mu, sigma)
        mean, G, curvature = self.mean(mu, sigma)
        square, bend = self.square(mu, sigma)
        rest = mean.sum(axis=-1, keepdims=True) - mean
        spread = square - mean**2
        rest_square = spread.sum(axis=-1, keepdims=True) - spread + rest**2
        weighted = mean + sigma**2 * curvature  # E h z^2
        return weighted + rest, square + sigma**2 * bend + 2 * weighted * rest + rest_square, G

    def _normal(self, mu, sigma):
        mu, sigma = numbers("mu", mu), numbers("sigma", sigma)
        if (sigma <= 0).any():
            raise refuse("sigma", "above 0", sigma.min())
        try:
            mu, sigma, _ = np.broadcast_arrays(mu, sigma, np.zeros(self.dimensions))
        except ValueError:
            raise refuse("mu and sigma", f"[..., {self.dimensions}]", f"shape {mu.shape} and {sigma.shape}") from None
        return np.clip(mu, -FARTHEST, FARTHEST), np.clip(sigma, 1 / WIDEST, WIDEST)

    # What a world answers of a policy (see pgedu.worlds).

    def require_fit(self, policy, theta):
        """theta [*R, D] as an array; ValueError if it or the policy does not fit this world."""
        theta, d = parameters(policy, theta), self.dimensions
        head, approximator = policy.head, policy.approximator
        normal = getattr(head, "dimensions", None) == d and not hasattr(head, "play")  # what is drawn is what is played
        if not normal or getattr(approximator, "observations", None) is None:
            fitting = f"Policy.gaussian(Table(observations=1, outputs={d}))"
            raise refuse("policy", f"one with normal actions and discrete observations, such as {fitting}", policy)
        return theta

    def exact_return(self, policy, theta, *, horizon=None):
        """J(theta), [*R]."""
        return self.expected(*self._of(policy, theta, horizon)[:2])[..., 0]

    def exact_gradient(self, policy, theta, *, horizon=None):
        """grad J(theta), [*R, D]."""
        mu, sigma, backward = self._of(policy, theta, horizon)
        return backward(np.concatenate(self.gradient(mu, sigma), axis=-1)[None])[..., 0, :]

    def pathwise_gradients(self, policy, theta, rollout):
        """The pathwise estimate of each episode, [*R, B, D]: f'(a) da/d theta along a = mu + sigma z, z held fixed.

        For mu that is h'(a_i), for log sigma h'(a_i) (a_i - mu_i). Unbiased unless h jumps.
        """
        theta = self.require_fit(policy, theta)
        outputs, backward = policy.approximator.trace(theta, rollout.observations[:-1])
        mu = outputs[..., : self.dimensions]
        slope = self.slope(rollout.actions)
        return backward(np.concatenate([slope, slope * (rollout.actions - mu)], axis=-1))

    def sample(self, policy, theta, *, episodes, rng, gamma=None, max_steps=1):
        """The fields of a rollout of one step, [1, *R, B]. A generator that yields None once, as `sampling.sample` does."""
        observations = np.zeros((2, *theta.shape[:-1], episodes), dtype=int)
        outputs = policy.outputs(theta, observations[:1])
        actions = policy.head.act(outputs, policy.head.noise(rng, observations[:1].shape))
        yield
        rewards = self.terms(actions).sum(axis=-1)
        log_probs = policy.head.log_prob(outputs, actions)
        return observations, actions, rewards, np.zeros_like(rewards), np.ones_like(rewards), log_probs

    def vector_env(self, num_envs, max_episode_steps=None):
        """The same world as a Gymnasium vector environment."""
        return HillVectorEnv(self, num_envs)

    def _of(self, policy, theta, horizon):
        """(mu, sigma [*R, 1, d], the way back from gradients in the outputs)."""
        number("horizon", horizon, 1, whole=True, none=True)
        theta = self.require_fit(policy, theta)
        outputs, backward = policy.approximator.trace(theta, np.zeros((1, *theta.shape[:-1], 1), dtype=int))
        mu, log_sigma = np.split(outputs[0], 2, axis=-1)
        return mu, np.exp(np.clip(log_sigma, -np.log(WIDEST), np.log(WIDEST))), backward


class HillVectorEnv(VectorEnv):
    """N copies of a `Hill`. Every step ends an episode, and the next one begins at once (`AutoresetMode.SAME_STEP`)."""

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(self, hill, num_envs=1):
        self.hill, self.num_envs = hill, number("num_envs", num_envs, 1, whole=True)
        self.single_observation_space = spaces.Discrete(1)
        self.single_action_space = spaces.Box(-np.inf, np.inf, (hill.dimensions,), dtype=float)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(self.num_envs, dtype=int), {}

    def step(self, actions):
        shape = self.num_envs, self.hill.dimensions
        rewards = self.hill.height(numbers("actions", actions, "[N, d]", shape))
        nothing, ends = np.zeros(self.num_envs, dtype=int), np.ones(self.num_envs, dtype=bool)
        return nothing, rewards, ends, ~ends, {"final_obs": nothing}
