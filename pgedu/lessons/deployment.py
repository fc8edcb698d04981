"""Which policy to deploy, in notebook 10: candidates judged by a log of the coin, and what becomes of the one that is taken."""

from functools import cache, lru_cache

import numpy as np

from pgedu.experience.rollouts import collect
from pgedu.gradients.exact import exact_return
from pgedu.lessons.coin_log import COIN, CUSTOMERS, LOGS, policy
from pgedu.panels.look import COLORS, label, tidy
from pgedu.worlds.finite import campaign

shop = campaign()
PREFERENCES = [(0, 0)] + [(a, b) for a in range(-2, 3) for b in range(-2, 3) if (a, b) != (0, 0)]  # an offer to the curious; none to the loyal
ORDER = np.append(0, 1 + np.random.default_rng(0).permutation(len(PREFERENCES) - 1))  # the coin, and then in no order
CANDIDATES = np.array([[0, a, b, 0, 0, 0.0] for a, b in np.array(PREFERENCES)[ORDER]])  # [C, D]
CAUTIONS = np.round(np.arange(0, 3.01, 0.1), 1)


@cache
def values():
    """J of each candidate, exactly, [C]; the first is the coin's."""
    return exact_return(shop, policy, CANDIDATES)


@lru_cache(maxsize=2)
def judged_by_logs(seed):
    """IS estimates of all candidates from LOGS logs of CUSTOMERS each, and their standard errors: [C, LOGS] both."""
    rng = np.random.default_rng(seed)
    logs = [collect(shop, policy, np.tile(COIN, (10, 1)), rng=rng, episodes=CUSTOMERS) for _ in range(LOGS // 10)]
    found = np.concatenate([_contributions(log) for log in logs], axis=1)  # [C, LOGS, B]
    return found.mean(axis=-1), found.std(axis=-1, ddof=1) / np.sqrt(CUSTOMERS)


def _contributions(log):
    """w G of every candidate, [C, R, B]: the weight from how often each of four decisions was made."""
    powers = shop.gamma ** np.arange(len(log.rewards))[:, None, None]
    returns = (powers * log.rewards * log.mask).sum(axis=0)
    states, real = log.observations[:-1], log.mask == 1
    ratios = np.log(2 * np.exp(shop.log_policy(policy, CANDIDATES)))  # [C, S, A]
    exponents = sum(
        ratios[:, s, a, None, None] * ((states == s) & (log.actions == a) & real).sum(axis=0) for s in (0, 1) for a in (0, 1)
    )
    return np.exp(exponents) * returns


def deployed(seed, candidates, caution):
    """Which of the first so many candidates has the highest estimate - caution x standard error: [LOGS]."""
    means, errors = judged_by_logs(seed)
    return (means[:candidates] - caution * errors[:candidates]).argmax(axis=0)


def promised_and_earned(seed, candidates, caution):
    """What the estimates of the deployed policies say, and what they earn: [LOGS] both."""
    chosen = deployed(seed, candidates, caution)
    return judged_by_logs(seed)[0][chosen, np.arange(LOGS)], values()[chosen]


def deployment(figure):
    """One log's candidates, estimate against truth; what is deployed from all logs; and how often that does harm."""
    axes = figure.subplot_mosaic("OH;OC", width_ratios=[1.1, 1])
    one, many, risk = _OneLog(axes["O"]), _AllLogs(axes["H"]), _Risk(axes["C"])

    def draw(candidates, caution, rng):
        seed = int(rng.integers(2**31))
        promised, earned = promised_and_earned(seed, candidates, caution)
        harm = earned < values()[0] - 1e-9
        one.show(seed, candidates, caution)
        many.show(promised, earned)
        risk.show(seed, candidates, caution)
        return (
            f"Of {candidates} candidate{'s' if candidates > 1 else ''}, what is deployed promises {promised.mean():.2f} in the mean and earns {earned.mean():.2f}; "
            f"the coin earns {values()[0]:.2f}. In {harm.sum()} of {LOGS} shops it earns less than the coin."
        )

    return draw


class _OneLog:
    """Estimates with their intervals over the true J, of the candidates of the first log; the deployed one is ringed."""

    def __init__(self, axes):
        tidy(axes, "candidates of one log: estimate ± 1.96 se", "true J", "estimate").set(xlim=(0.8, 1.95), ylim=(-0.5, 5))
        axes.plot([0.8, 1.95], [0.8, 1.95], color=COLORS["exact"], linestyle="--", linewidth=1.5)
        (self.arms,) = axes.plot([], [], color=COLORS["IS"], linewidth=1.5, alpha=0.8)
        (self.dots,) = axes.plot([], [], "o", color=COLORS["IS"], markersize=5)
        (self.ring,) = axes.plot([], [], "o", color="black", markersize=13, fillstyle="none", markeredgewidth=2)
        label(axes, 0.83, 4.75, "ring: deployed; dashed: estimate = truth")

    def show(self, seed, candidates, caution):
        means, errors = (each[:, 0] for each in judged_by_logs(seed))
        J, chosen = values(), deployed(seed, candidates, caution)[0]
        ends = means + 1.96 * errors * np.array([[-1], [1], [np.nan]])  # NaN: the pen is lifted
        self.arms.set_data(np.repeat(J[:candidates], 3), np.clip(ends[:, :candidates].T.ravel(), -0.5, 5))
        self.dots.set_data(J[:candidates], np.clip(means[:candidates], -0.5, 5))
        self.ring.set_data([J[chosen]], np.clip([means[chosen]], -0.5, 4.9))


class _AllLogs:
    """What is deployed from each log: its true J as bars, the mean promise as a line."""

    EDGES = np.linspace(0.8, 1.95, 24)

    def __init__(self, axes):
        tidy(axes, f"true J of what {LOGS} shops deploy", "", "shops").set(xlim=(0.8, 3.2), ylim=(0, 215))
        self.bars = axes.stairs(0 * self.EDGES[1:], self.EDGES, fill=True, facecolor=(COLORS["IS"], 0.6), edgecolor=COLORS["IS"], linewidth=1.5)
        coin = values()[0]
        axes.plot([coin, coin], [0, 150], color=COLORS["exact"], linestyle=":", linewidth=2)
        label(axes, coin, 165, "coin", ha="center")
        (self.promise,) = axes.plot([], [], "-", color=COLORS["DM"], linewidth=3)
        self.words = label(axes, 0, 190, "mean promise", COLORS["DM"], ha="center")

    def show(self, promised, earned):
        self.bars.set_data(np.histogram(earned, self.EDGES)[0])
        mean = min(promised.mean(), 3.15)
        self.promise.set_data([mean, mean], [0, 175])
        self.words.set_x(min(mean, 2.8))


class _Risk:
    """The share of shops that are harmed, over the caution, as far down as the student has gone."""

    def __init__(self, axes):
        tidy(axes, "shops that do worse than the coin, %", "caution z, in standard errors").set(xlim=(-0.05, 3.05), ylim=(-2, 45))
        (self.curve,) = axes.plot([], [], color=COLORS["IS"])
        (self.here,) = axes.plot([], [], "o", color=COLORS["IS"], markersize=9, gid="caution")

    def show(self, seed, candidates, caution):
        zs = np.append(CAUTIONS[CAUTIONS > caution + 1e-9][::-1], caution)
        shares = [100 * (promised_and_earned(seed, candidates, z)[1] < values()[0] - 1e-9).mean() for z in zs]
        self.curve.set_data(zs, shares)
        self.here.set_data([caution], shares[-1:])
