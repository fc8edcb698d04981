"""The world of notebook 12: sentences of four words, what people really like, judges of it, and all that is exact."""

from functools import cache

import numpy as np

from pgedu.experience.rollouts import Rollout
from pgedu.learning.preferences import best_of_n, fit_rewards, kl_divergence, tilt
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.sentences import Language

LANGUAGE = Language(("plain", "wow", "thanks"), 4)
USUAL = np.array([0.7, 0.1, 0.2])  # of each word, wherever it stands, in the reference policy
LOG_WORDS = np.tile(np.log(USUAL), (LANGUAGE.n_states, 1))  # log pi(word | prefix) of the reference, [S, V]
LOG_REFERENCE = LANGUAGE.log_probs(LOG_WORDS)  # of whole sentences, [N]
WOWS, THANKS, LAST = LANGUAGE.counts[:, 1], LANGUAGE.counts[:, 2], LANGUAGE.sentences[:, -1] == 2
TRUTH = WOWS - 0.35 * WOWS**2 + 0.3 * LAST  # what people really like, [N]
FIRST, SECOND = np.indices((len(TRUTH), len(TRUTH))).reshape(2, -1)  # all ordered pairs of sentences, [P]
COUNTS, SQUARE = "counts words", "and the square of wow"
policy = Policy.softmax(Table(LANGUAGE.n_states, len(LANGUAGE.words)))


def features(square=False):
    """What a judge looks at, [N, F]: how many wows, how many thanks, thanks at the end; and the wows squared."""
    columns = [WOWS, THANKS, LAST] + [WOWS**2] * square
    return np.stack(columns, axis=-1).astype(float)


def chance_of_first():
    """P(the first of a pair is preferred), [P], by Bradley and Terry."""
    return 1 / (1 + np.exp(TRUTH[SECOND] - TRUTH[FIRST]))


def met(log_probs):
    """How often each ordered pair comes up, [P], if both sentences are drawn from this policy."""
    P = np.exp(log_probs)
    return P[FIRST] * P[SECOND]


@cache
def coefficients(square=False, beta=None):
    """w [F] of the judge fitted on infinitely many pairs: of the reference, or of the first judge's policy at this beta."""
    drawn = LOG_REFERENCE if beta is None else tilt(LOG_REFERENCE, judge(), beta)[0]
    return fit_rewards(features(square), FIRST, SECOND, met(drawn) * chance_of_first())


@cache
def judge(square=False, beta=None):
    """What that judge says of each sentence, [N]."""
    # Rounded, so that sentences with the same features are judged exactly alike: best of n must see ties as ties.
    return np.round(features(square) @ coefficients(square, beta), 9)


def accuracy(scores, log_probs=LOG_REFERENCE):
    """The share of preferences, exactly, with which these scores [N] agree; a tie counts half."""
    says = (1 + np.sign(scores[FIRST] - scores[SECOND])) / 2
    chance = chance_of_first()
    return float(met(log_probs) @ (says * chance + (1 - says) * (1 - chance)))


def mean(log_probs, values):
    """E values [...] under policies over sentences [..., N]."""
    return np.exp(log_probs) @ values


def distance(log_probs):
    """KL from the reference, in nats [...]."""
    return kl_divergence(log_probs, np.broadcast_to(LOG_REFERENCE, log_probs.shape))


@cache
def frontier():
    """(KL [K], the highest true reward that any policy within that KL can have [K])."""
    found = [tilt(LOG_REFERENCE, TRUTH, beta)[0] for beta in np.geomspace(50.0, 0.02, 160)]
    farthest = -np.log(np.exp(LOG_REFERENCE)[TRUTH == TRUTH.max()].sum())  # where only the best sentences are left
    kls, rewards = [distance(each) for each in found], [mean(each, TRUTH) for each in found]
    return np.array([0.0, *kls, farthest]), np.array([mean(LOG_REFERENCE, TRUTH), *rewards, TRUTH.max()])


def best_within(kl):
    """The highest true reward within this KL, from the table."""
    return np.interp(kl, *frontier())


def tilted(scores, beta):
    """log P [N] of the best policy for these scores and this beta."""
    return tilt(LOG_REFERENCE, scores, beta)[0]


def best_of(scores, n):
    """log P [N] of the best of n by these scores."""
    return best_of_n(LOG_REFERENCE, scores, n)


def answers(numbers):
    """Sentences as a rollout [T, P] whose `log_probs` are those of the reference, as `direct_preference` wants them."""
    numbers = np.asarray(numbers)
    world = LANGUAGE.world(np.zeros(len(TRUTH)))
    states = np.concatenate([LANGUAGE.states[numbers].T, np.full((1, len(numbers)), LANGUAGE.n_states - 1)])
    return Rollout(*world.record(LOG_WORDS, states, LANGUAGE.sentences[numbers].T))
