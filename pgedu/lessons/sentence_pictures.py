"""Pictures of notebook 12's sentences: all of them at once, and what a judge makes of them away from the reference."""

from functools import cache
from typing import NamedTuple

import numpy as np

from pgedu.lessons import sentence_world as world
from pgedu.lessons.sentence_world import LANGUAGE, LOG_REFERENCE, TRUTH, USUAL
from pgedu.panels.look import COLORS, key, label, tidy

WORD_COLORS = np.array([[0.82, 0.82, 0.82], [0.82, 0.51, 0.0], [0.13, 0.62, 0.84]])  # plain, wow, thanks
GOOD, BAD = np.array([0.0, 0.57, 0.40]), np.array([0.77, 0.32, 0.0])
ROWS, WIDE, GAP = 400, 11, 2  # of the picture of all sentences: its rows, and the columns of pixels for each word
CHANCES = np.round(np.linspace(0.0, 0.9, 91), 2)
METHODS = {"tilt": COLORS["ppo"], "best of n": COLORS["leave one out"]}


def with_wow(chance):
    """log P [N] of the policy that says wow so often, wherever it is, and the other two words 7 : 2."""
    words = np.append(chance, (1 - chance) * USUAL[[0, 2]] / USUAL[[0, 2]].sum())[[1, 0, 2]]
    with np.errstate(divide="ignore"):
        return LANGUAGE.log_probs(np.tile(np.log(words), (LANGUAGE.n_states, 1)))


@cache
def rewards_with_wow():
    """The exact true reward for each of CHANCES."""
    return np.array([world.mean(with_wow(chance), TRUTH) for chance in CHANCES])


def all_sentences(log_probs):
    """An image [ROWS, ..., 3]: each sentence as high as it is likely, word by word, and then its true reward."""
    sentence = np.searchsorted(np.cumsum(np.exp(log_probs)), (np.arange(ROWS) + 0.5) / ROWS).clip(0, len(TRUTH) - 1)
    colors = WORD_COLORS[LANGUAGE.sentences[sentence]]  # [ROWS, 4, 3]
    strength = np.abs(TRUTH[sentence])[:, None] / np.abs(TRUTH).max()
    truth = 1 - np.sqrt(strength) * (1 - np.where(TRUTH[sentence][:, None] > 0, GOOD, BAD))
    image = np.ones((ROWS, 5, WIDE + GAP, 3))
    image[:, :4, :WIDE], image[:, 4, :WIDE] = colors[:, :, None], truth[:, None]
    return image.reshape(ROWS, -1, 3)


def writing(figure):
    """All sentences of a policy that one can change, one that it has just written, and what that policy is truly worth."""
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    show_sentences = _sentences(left)
    tidy(right, "exact true reward", "chance of a wow in each place").set(xlim=(0, 0.92), ylim=(-1.75, 0.95))
    (curve,) = right.plot([], [], color=COLORS["exact"])
    (here,) = right.plot([], [], "o", color=COLORS["exact"], markersize=9, gid="wow")

    def draw(wow, rng):
        log_probs = with_wow(wow)
        number = int(rng.choice(len(TRUTH), p=np.exp(log_probs)))
        show_sentences(log_probs, number)
        so_far = CHANCES < wow - 1e-9
        J = world.mean(log_probs, TRUTH)
        curve.set_data(np.append(CHANCES[so_far], wow), np.append(rewards_with_wow()[so_far], J))
        here.set_data([wow], [J])
        return (
            f'It has just written "{LANGUAGE.texts[number]}", true reward {TRUTH[number] + 0:.2f}. '
            f"With wow in {100 * wow:.0f} % of places the mean true reward is {J:.3f}, and KL from the reference "
            f"{world.distance(log_probs):.2f}."
        )

    return draw


def _sentences(axes):
    """The image of all sentences; a function that shows a policy's, and the path of one of them."""
    axes.set(xticks=[(WIDE + GAP) * (i + 0.42) for i in range(5)], yticks=[], ylim=(ROWS, 0), xlim=(0, 5 * (WIDE + GAP) - GAP))
    axes.set_xticklabels(["1st word", "2nd", "3rd", "4th", "truth"])
    axes.set_title("all 81 sentences, as high as likely", loc="left")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    start = all_sentences(LOG_REFERENCE)
    image = axes.imshow(start, aspect="auto", interpolation="nearest", extent=(0, start.shape[1], ROWS, 0))
    (path,) = axes.plot([], [], "-", color="black", linewidth=2)
    box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    places = [(WIDE + GAP) * (i + 0.42) for i in range(5)]
    words = [label(axes, x, 0, "", ha="center", bbox=box) for x in places]

    def show(log_probs, number):
        image.set_data(all_sentences(log_probs))
        ends = np.cumsum(np.exp(log_probs))
        row = ROWS * float(np.clip(ends[number] - np.exp(log_probs[number]) / 2, 0.03, 0.97))
        path.set_data([places[0], places[-1]], [row, row])
        for text, said in zip(words, [*LANGUAGE.texts[number].split(), f"{TRUTH[number] + 0:.2f}"]):
            text.set_text(said)
            text.set_y(row)

    return show


class Way(NamedTuple):
    """Policies one after the other, further and further from the reference."""

    settings: np.ndarray  # [K], beta or n of each
    kls: np.ndarray  # [K]
    proxy: np.ndarray  # [K], what the judge says, on average
    true: np.ndarray  # [K]


FARTHEST = 5.0  # KL that is shown
BETAS = np.geomspace(20.0, 0.02, 240)
NUMBERS = np.unique(np.geomspace(1, 600, 120).round().astype(int))
JUDGES = {world.COUNTS: (False, None), world.SQUARE: (True, None), "refitted, on pairs of the tilt at β = 0.2": (False, 0.2)}


@cache
def way(judge, method):
    """The `Way` of a method along the scores of a judge."""
    scores = world.judge(*JUDGES[judge])
    make = world.tilted if method == "tilt" else world.best_of
    settings = BETAS if method == "tilt" else NUMBERS
    found = np.array([make(scores, each if method == "tilt" else int(each)) for each in settings])
    return Way(settings, world.distance(found), world.mean(found, scores), world.mean(found, TRUTH))


def policy_at(judge, method, kl):
    """(log P [N], its beta or n): the policy of this method that is nearest to a KL from the reference."""
    known = way(judge, method)
    scores, last = world.judge(*JUDGES[judge]), int((known.kls[-1] > known.kls).sum())
    if method == "best of n":
        n = int(known.settings[np.abs(known.kls - kl).argmin()])
        return world.best_of(scores, n), n
    beta = float(np.exp(np.interp(kl, known.kls[: last + 1], np.log(known.settings[: last + 1]))))
    return world.tilted(scores, beta), beta


def almost_perfect(figure):
    """What the judge says and what is true, over KL, by tilt and by best of n; the likeliest sentences. For `explore`."""
    left, right = figure.subplots(1, 2, width_ratios=[1.3, 1])
    tidy(left, "mean reward", "KL from the reference, in nats").set(xlim=(0, FARTHEST + 0.06), ylim=(-0.75, 1.75))
    left.plot(*world.frontier(), color=COLORS["exact"], label="best possible")
    left.plot([world.frontier()[0][-1], FARTHEST], [TRUTH.max()] * 2, color=COLORS["exact"])
    methods = {name: _Method(left, name, color) for name, color in METHODS.items()}
    (handle,) = left.plot([], [], "^", color="black", markersize=10, gid="kl")
    left.legend(loc="lower left", borderpad=0, bbox_to_anchor=(0, 0.06))
    label(left, 0.1, 1.62, "dotted: what the judge says; lines: the truth")
    show_likeliest = _likeliest(right)

    def draw(kl, judge, shown):
        handle.set_data([kl], [-0.68])
        told = {name: method.show(judge, kl) for name, method in methods.items()}
        show_likeliest(methods[shown].log_probs, METHODS[shown])
        best = f"The best possible at KL {kl:.2f} is {world.best_within(kl):.2f}"
        return f"Tilt: {told['tilt']}. Best of n: {told['best of n']}. {best}."

    return draw


class _Method:
    """A way to follow a judge: what is true of it and what the judge says, up to a KL."""

    def __init__(self, axes, name, color):
        self.name, self.log_probs = name, LOG_REFERENCE
        (self.true,) = axes.plot([], [], color=color, label=name)
        (self.said,) = axes.plot([], [], ":", color=color)
        (self.dot,) = axes.plot([], [], "o", color=color, markersize=8)

    def show(self, judge, kl):
        """Draw it, and say in words where it stands."""
        known, (self.log_probs, setting) = way(judge, self.name), policy_at(judge, self.name, kl)
        at, J = max(float(world.distance(self.log_probs)), 0.0), world.mean(self.log_probs, TRUTH)
        score, passed = world.mean(self.log_probs, world.judge(*JUDGES[judge])), known.kls < at
        self.true.set_data(np.append(known.kls[passed], at), np.append(known.true[passed], J))
        self.said.set_data(np.append(known.kls[passed], at), np.append(known.proxy[passed], score))
        self.dot.set_data([at], [J])
        return f"{'β' if self.name == 'tilt' else 'n'} = {setting:.3g} gives a true reward of {J:.2f} at KL {at:.2f}"


def _likeliest(axes, many=10):
    """Bars of the likeliest sentences, and a function that shows those of a policy."""
    tidy(axes, "its ten likeliest sentences, and their truth", "chance").set(xlim=(0, 0.76), ylim=(many - 0.4, -0.6), yticks=[])
    axes.grid(False)
    bars = axes.barh(range(many), np.zeros(many), height=0.8)
    texts = [label(axes, 0.75, i, "", ha="right") for i in range(many)]

    def show(log_probs, color):
        order = np.argsort(-np.exp(log_probs), kind="stable")[:many]
        for bar, text, number in zip(bars, texts, order):
            bar.set_width(min(float(np.exp(log_probs[number])), 0.76))
            bar.set(facecolor=(*color_triple(color), 0.45), edgecolor=color, linewidth=1.2)
            text.set_text(f"{LANGUAGE.texts[number]}   {TRUTH[number] + 0:+.2f}")

    return show


def color_triple(color):
    """Red, green and blue, each from 0 to 1, of "#rrggbb"."""
    return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
