"""The pictures of notebook 06: many environments, the entropy bonus, who waits for whom, and A2C on CartPole."""

import numpy as np

from pgedu.experience.rollouts import collect
from pgedu.learning.actor_critics import a2c
from pgedu.panels.carts import CartPoleLearning
from pgedu.panels.look import in_decades, key, label
from pgedu.panels.views import COLORS, tidy

DAYS = 64  # samples in one gradient estimate of the shop
COUNTS = 2 ** np.arange(7)  # environments: 1, 2, 4, ..., 64


def environments(shop, policy, exact_variance):
    """64 days in one shop, in 4 and in 64: the seasons that they meet, and the variance of the gradient estimate.

    shop(season) is the world, exact_variance(B, season) the variance with 64 / B days in each of B shops.
    """

    def view(figure):
        seen, plot = figure.subplots(1, 2, width_ratios=[1, 1.3])
        picture = _picture_of_seasons(seen)
        exact, dots = _curve_of_variances(plot, exact_variance(DAYS, 2))

        def draw(season, rng):
            dots.set_data(COUNTS, measured_variances(shop_samples(shop(season), policy, rng), rng))
            exact.set_data(COUNTS, [exact_variance(B, season) for B in COUNTS])
            picture.set_data(1.0 * seasons_met(season, rng))
            worth = DAYS * exact_variance(DAYS, season) / exact_variance(1, season)
            return f"With seasons of {season} days, 64 days in one shop are worth {worth:.0f} days in as many shops."

        return draw

    return view


def shop_samples(world, policy, rng, shops=512):
    """A day's reward times its score for the preference for an advert, where a coin decides: [64 days, shops]."""
    rollout = collect(world, policy, np.zeros(policy.size), episodes=shops, rng=rng, max_steps=DAYS)
    return rollout.rewards * (rollout.actions - 0.5)


def measured_variances(x, rng):
    """Variance of the mean of 64 samples, 64 / B in a row from each of B shops, for each B; x [64, M] is of M shops."""
    M = x.shape[1]
    stretches = [rng.permuted(x.reshape(B, DAYS // B, M).mean(axis=1), axis=1) for B in COUNTS]  # [B, M], days in a row
    return [each.reshape(M, B).mean(axis=1).var() for B, each in zip(COUNTS, stretches)]


def seasons_met(season, rng):
    """Is it high season on each of 64 days: in one shop, in 4 with 16 days each, in 64 with one each? [3, 64]."""
    high = rng.random((3, DAYS)) < 0.5
    stays = rng.random((3, DAYS)) > 1 / season
    for row, days in enumerate((64, 16, 1)):
        for t in range(DAYS):
            if t % days:  # not the first day of a shop
                high[row, t] = high[row, t - 1] == stays[row, t]
    return high


def _picture_of_seasons(axes):
    tidy(axes, "seasons: high (dark), low (light)", "64 samples, shop by shop").grid(False)
    axes.set_yticks([0, 1, 2], ["1 shop\n64 days", "4 shops\n16 days", "64 shops\n1 day"])
    look = {"cmap": "Greys", "vmin": -0.3, "vmax": 2.0, "aspect": "auto", "interpolation": "nearest"}
    picture = axes.imshow(np.zeros((3, DAYS)), extent=(0, DAYS, 2.5, -0.5), **look)
    axes.hlines([0.5, 1.5], 0, DAYS, color="white", linewidth=8)
    for row, days in ((1, 16), (2, 1)):  # a gap between one shop and the next
        axes.vlines(np.arange(days, DAYS, days), row - 0.5, row + 0.5, color="white", linewidth=2)
    return picture


def _curve_of_variances(axes, independent):
    tidy(axes, "variance of one estimate", "B, environments (with 64 / B days each)")
    in_decades(axes.yaxis).set(xscale="log", ylim=(2.5e-3, 0.3), xlim=(0.9, 72))
    axes.set_xticks(COUNTS, COUNTS, minor=False)
    axes.axhline(independent, color="0.4", linestyle=":")
    label(axes, 1, 0.88 * independent, "64 independent samples", "0.4", va="top")
    (exact,) = axes.plot([], [], color=COLORS["exact"], label="exact")
    (dots,) = axes.plot([], [], "o", color=COLORS["a2c"], label="measured")
    key(axes)
    return exact, dots


def bonus(with_bonus):
    """J + beta H over the probability p of the better of two actions, and its slope; with_bonus(p, beta) gives both."""
    p = np.linspace(0.001, 0.999, 999)

    def view(figure):
        hill, slope = figure.subplots(1, 2)
        curve, top = _hill_with_bonus(hill, p)
        rise = _slope_with_bonus(slope, p)

        def draw(entropy):
            height, steepness = with_bonus(p, entropy)
            best, highest = top_with_bonus(entropy)
            curve.set_data(p, height)
            top.set_data([best], [highest])
            rise.set_data(p, steepness)
            return (
                f"With β = {entropy:.2f} the best p is {best:.3f}, which costs {1 - best:.3f} of reward; "
                f"at p = 0.001 the slope is {steepness[0] / (p[0] * (1 - p[0])):.1f} times that of J alone."
            )

        return draw

    return view


def top_with_bonus(entropy):
    """(p, p + entropy * H(p)) at the best p: the softmax of reward / entropy, for rewards 1 and 0."""
    best = 1 / (1 + np.exp(-1 / entropy)) if entropy > 0 else 1.0
    H = -best * np.log(best) - (1 - best) * np.log(max(1 - best, 1e-300))  # 0 log 0 is 0
    return best, best + entropy * H


def _hill_with_bonus(axes, p):
    tidy(axes, "the goal, and its top", "p, probability of the better action")
    axes.set(ylim=(0, 1.75), xlim=(0, 1.02))
    axes.plot(p, p, color=COLORS["exact"], linewidth=4, label="J alone")
    (curve,) = axes.plot([], [], color=COLORS["a2c"], label="J + βH")
    (top,) = axes.plot([], [], "o", color=COLORS["a2c"], markersize=9)
    key(axes)
    return curve, top


def _slope_with_bonus(axes, p):
    tidy(axes, "its slope along the preference", "p, probability of the better action")
    axes.set(ylim=(-0.3, 0.55), xlim=(0, 1.02))
    axes.axhline(0, color="0.55")
    axes.plot(p, p * (1 - p), color=COLORS["exact"], linewidth=4)
    (rise,) = axes.plot([], [], color=COLORS["a2c"])
    return rise


def clocks(segment_times, a2c_speed):
    """Who waits: times segment_times(chance, rng) [round, 64], and exact speeds a2c_speed(chance) of 1 to 64 workers."""
    some = np.array([1, 2, 4, 8, 16, 24, 32, 48, 64])

    def view(figure):
        waiting, working, exact, dots, here = _waiting_and_speed(figure)

        def draw(rng, workers, chance):
            times, speed = segment_times(chance, rng), a2c_speed(chance)
            dots.set_data(some, [W / times[:, :W].max(axis=1).mean() for W in some])
            exact.set_data(np.arange(1, 65), speed)
            for line, bars in zip((waiting, working), rounds(times[:12, :workers])):
                line.set_data(*bars)
                line.set_linewidth(min(12, 150 / workers))
            now = speed[workers - 1]
            here.set_data([workers], [now])
            return (
                f"With W = {workers} A2C finishes {now:.1f} segments in a unit of time and A3C {workers}: "
                f"the workers of A2C wait for {100 * (1 - now / workers):.0f} % of their time."
            )

        return draw

    return view


def rounds(times):
    """Bars (x, row) of whole rounds, and of the work in them, from times [round, worker]: all wait for the slowest."""
    longest, workers = times.max(axis=1), times.shape[1]
    began = np.repeat((longest.cumsum() - longest)[:, None], workers, axis=1)
    row, gap = np.broadcast_to((np.arange(workers) + 0.5) / workers, times.shape), np.full(times.shape, np.nan)
    rows = np.stack([row, row, gap], axis=-1).ravel()
    return [
        (np.stack([began, ended - 0.05, gap], axis=-1).ravel(), rows)  # a hair apart
        for ended in (began + longest[:, None], began + times)
    ]


def _waiting_and_speed(figure):
    rounds, speed = figure.subplots(1, 2)
    tidy(rounds, "workers of A2C: at work (colour), waiting", "time")
    rounds.set(xlim=(0, 12), ylim=(0, 1), yticks=[])
    waiting, working = (rounds.plot([], [], color=color, solid_capstyle="butt")[0] for color in ("0.55", COLORS["a2c"]))
    tidy(speed, "segments finished in a unit of time", "W, workers").set(xlim=(0, 66), ylim=(0, 66))
    speed.plot([1, 64], [1, 64], color=COLORS["a3c"], label="A3C")
    (exact,) = speed.plot([], [], color=COLORS["exact"], label="A2C, exact")
    (dots,) = speed.plot([], [], "o", color=COLORS["a2c"], label="A2C, sampled")
    (here,) = speed.plot([], [], "o", color=COLORS["exact"], markersize=8, gid="workers")
    speed.legend(loc="upper left")
    return waiting, working, exact, dots, here


class FromUpdateToUpdate(CartPoleLearning):
    """Learners of A2C whose noise is that of the whole update: half the squared distance of two that follow one another.

    The squared distance of two independent estimates of the same gradient is twice their variance on average. (Segments
    that follow one another are not quite independent, which makes it a little too small.) Unlike the spread among
    environments, it also tells something where there is only one.
    """

    _before = None

    def noise(self, new):
        """[n, R]; NaN for the first update of all."""
        now = np.array([mean_over_steps(record) for record in new])
        before = np.full_like(now[:1], np.nan) if self._before is None else self._before
        self._before = now[-1:]
        return 0.5 * (np.diff(now, axis=0, prepend=before) ** 2).sum(axis=-1)


def mean_over_steps(record):
    """The gradient that an update of A2C goes by, [R, D]: of each run, per step."""
    return record.gradients.sum(axis=-2) / np.maximum(record.rollout.mask.sum(axis=(0, -1)), 1)[:, None]


def learners(figure):
    """Returns and noise of A2C on CartPole, and carts as they move."""
    learning = FromUpdateToUpdate(figure, limits=(0, 500), variances=(1e-2, 1e2), best=500)
    learning.variance.axes.set_title("variance of one update", loc="left")
    return lambda new, now=None: learning.draw(new, now, estimator=a2c)
