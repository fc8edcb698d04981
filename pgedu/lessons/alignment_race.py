"""The race of notebook 12: methods that align a policy of sentences, on one axis of KL and against one exact optimum."""

from functools import cache, partial

import numpy as np

from pgedu.gradients.baselines import leave_one_out
from pgedu.gradients.estimators import total_return
from pgedu.gradients.groups import group_advantage
from pgedu.learning.direct_preference import direct_preference
from pgedu.learning.learned_value import LearnedValue
from pgedu.learning.optimizers import Adam
from pgedu.learning.preferences import kl_loss_weights, prefer, tilt
from pgedu.learning.proximal import ppo
from pgedu.learning.reinforce import reinforce
from pgedu.lessons import sentence_world as sentences
from pgedu.lessons.sentence_world import LANGUAGE, LOG_REFERENCE, LOG_WORDS, TRUTH, policy
from pgedu.panels.look import COLORS, label, see_through, tidy
from pgedu.panels.views import LearningCurve
from pgedu.policies.approximators import Table
from pgedu.policies.heads import log_softmax

LEARNERS, GROUP, PAIRS = 20, 16, 50_000
FARTHEST = 7.0  # KL that is shown
REWARDED = {"the truth": TRUTH, "the judge that counts words": sentences.judge()}
IN_REWARD = "in the reward"
PENALTIES = [IN_REWARD, "k1 in the loss", "k2 in the loss", "k3 in the loss"]
METHODS = {"RLOO": COLORS["leave one out"], "GRPO": COLORS["batch mean"], "PPO": COLORS["ppo"], "DPO": COLORS["state value"]}
WIDTHS = {"RLOO": 5.5, "GRPO": 3.4, "PPO": 1.8, "DPO": 1.8}  # of curves: where they coincide, the thin one lies on top
RATES = {"RLOO": 0.05, "GRPO": 0.05, "PPO": 0.02, "DPO": 0.03}


def written(rewards, beta=None):
    """The MDP in which these sentences are written; with a beta, each word is also paid -beta times its log ratio."""
    penalty = None if beta is None else lambda log_pi: -beta * (log_pi - LOG_WORDS)
    return LANGUAGE.world(rewards, policy_rewards=penalty)


def log_ratios(rollout):
    """log(pi / reference) of each word [T, ..., B], 0 after an end: of the policy that wrote it."""
    return (rollout.log_probs - LOG_WORDS[rollout.observations[:-1], rollout.actions]) * rollout.mask


def penalised(rollout, *, advantage, beta, kind):
    """psi with a KL penalty in the loss: the advantage, less beta times what differentiating k1, k2 or k3 gives."""
    return advantage(rollout) - beta * kl_loss_weights(log_ratios(rollout), kind) * rollout.mask


class penalised_ppo(ppo):  # noqa: N801 - lower case as `ppo`
    """PPO with the KL penalty in its loss: `penalty` is (beta, kind), or None."""

    penalty = None
    state = (*ppo.state, "penalty")

    def learn_policy(self, batch, weights, resting):
        self._batch = batch
        return super().learn_policy(batch, weights, resting)

    def surrogate_weights(self, ratio, advantages):
        psi = super().surrogate_weights(ratio, advantages)
        if self.penalty is None:
            return psi
        beta, kind = self.penalty
        log_probs = self._batch.log_probs + np.log(ratio)  # of the present policy
        return psi - beta * kl_loss_weights(log_probs - LOG_WORDS[self._batch.observations, self._batch.actions], kind)


@cache
def pairs():
    """(preferred, rejected): as many pairs as people have judged, drawn from the reference; the same for all learners."""
    rng = np.random.default_rng(12)
    first, second = rng.choice(len(TRUTH), size=(2, PAIRS), p=np.exp(LOG_REFERENCE))
    wins = prefer(TRUTH, first, second, rng)
    return sentences.answers(np.where(wins, first, second)), sentences.answers(np.where(wins, second, first))


class side_by_side:  # noqa: N801 - a verb to its users, as `reinforce` is
    """All methods, an update each in turn, from the reference on. Yields {method: `Progress`}."""

    def __init__(self, rng, beta, rewarded, penalty, divide, per_length, runs=LEARNERS):
        rewards = REWARDED[rewarded]
        kind = None if penalty == IN_REWARD else penalty[:2]
        theta = np.tile(LOG_WORDS.ravel(), (runs, 1))
        own = lambda name: {"rng": rng, "runs": runs, "theta": theta, "optimizer": Adam(RATES[name])}  # noqa: E731
        plain, paid = written(rewards), written(rewards, beta)
        where = paid if kind is None else plain
        psi = partial(group_advantage, divide=divide, per_length=per_length)
        if kind:  # 1 / |o| stands before the whole of the loss, its penalty included
            psi = partial(penalised, advantage=psi, beta=beta / LANGUAGE.length**per_length, kind=kind)
        critic = LearnedValue(Table(LANGUAGE.n_states, 1), Adam(0.1))
        batch = {"environments": GROUP, "steps": None, "lam": 1.0, "critic": critic, "minibatches": 1, "normalize": False}
        good, bad = pairs()
        self.trainings = {
            "RLOO": reinforce(paid, policy, episodes=GROUP, estimator=total_return, baseline=leave_one_out, **own("RLOO")),
            "GRPO": reinforce(where, policy, episodes=GROUP, estimator=psi, **own("GRPO")),
            "PPO": penalised_ppo(where, policy, max_gradient_norm=np.inf, **batch, **own("PPO")),
            "DPO": direct_preference(policy, preferred=good, rejected=bad, beta=beta, pairs=64, **own("DPO")),
        }
        self.trainings["PPO"].penalty = kind and (beta, kind)

    def __iter__(self):
        while True:
            yield {name: next(training) for name, training in self.trainings.items()}


def stand(theta, rewards, beta):
    """(KL, true reward, objective E r - beta KL), each [..., R], exactly, of policies theta [..., R, D]."""
    log_probs = LANGUAGE.log_probs(log_softmax(theta.reshape(*theta.shape[:-1], LANGUAGE.n_states, len(LANGUAGE.words))))
    kl = sentences.distance(log_probs)
    return kl, sentences.mean(log_probs, TRUTH), sentences.mean(log_probs, rewards) - beta * kl


def alignment(figure):
    """Learners of all methods in the plane of KL and true reward, and what they reach of the objective. For `watch`."""
    left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
    tidy(left, "true reward", "KL from the reference, in nats").set(xlim=(0, FARTHEST), ylim=(-0.8, 1.05))
    frontier, rewards = sentences.frontier()
    left.plot(np.append(frontier, FARTHEST), np.append(rewards, rewards[-1]), color=COLORS["exact"])
    label(left, FARTHEST, 0.86, "best possible at this KL", ha="right")
    (star,) = left.plot([], [], "*", color=COLORS["exact"], markersize=17, zorder=1)
    tidy(right, "E r − β KL; band: 8 of 10 learners", "update").set(ylim=(-0.8, 1.05))
    (best,) = right.plot([], [], "--", color=COLORS["exact"], linewidth=1.5)
    words = label(right, 0.015, 0, "best possible", va="bottom", transform=right.get_yaxis_transform())
    lanes = {name: _Lane(left, right, name, color) for name, color in METHODS.items()}
    lines = [lane.J.band.line for lane in lanes.values()]
    figure.legend(handles=lines, loc="outside upper right", ncols=4, borderpad=0, borderaxespad=0.1)

    def draw(new, beta, rewarded):
        log_probs, value = tilt(LOG_REFERENCE, REWARDED[rewarded], beta)
        star.set_data([sentences.distance(log_probs)], [sentences.mean(log_probs, TRUTH)])
        for name, lane in lanes.items():
            lane.add([record[name] for record in new], REWARDED[rewarded], beta)
        best.set_data(right.get_xlim(), [value, value])
        words.set_y(value + 0.01)
        return _told(lanes, value, sentences.distance(log_probs))

    return draw


def _told(lanes, value, kl):
    update = lanes["RLOO"].update
    if not update:
        return "No update yet."
    told = [f"{name} {lane.J.show():.2f} at KL {lane.kl:.2f}" for name, lane in lanes.items()]
    return f"After {update:,} updates E r − β KL is {', '.join(told)}. The best possible is {value:.2f}, at KL {kl:.2f}."


class _Lane:
    """One method: its learners as dots, the way of their mean, and a curve of their objective."""

    def __init__(self, plane, curves, name, color):
        (self.way,) = plane.plot([], [], color=color, linewidth=1.5)
        (self.dots,) = plane.plot([], [], "o", markersize=6, **see_through(color))
        self.J, self.update, self.kl = LearningCurve(curves, name, color), 0, 0.0
        self.J.band.line.set_linewidth(WIDTHS[name])
        self.points = [(0.0, sentences.mean(LOG_REFERENCE, TRUTH))]

    def add(self, new, rewards, beta):
        """Records of updates, some of them left out where there are many: a curve needs no more."""
        if new:
            kept = new[:: 1 + len(new) // 25] + new[-1:]
            kl, true, J = stand(np.array([record.theta for record in kept]), rewards, beta)
            self.J.add([record.update for record in kept], J)
            self.points = thinned(self.points + list(zip(kl.mean(axis=-1), true.mean(axis=-1))))
            self.dots.set_data(kl[-1], true[-1])
            self.update, self.kl = new[-1].update, float(kl[-1].mean())
        self.way.set_data(*np.transpose(self.points))
        self.J.show()


def thinned(points, most=600):
    """Every second of these points, if there are too many of them."""
    return points if len(points) <= most else points[::2]
