"""A language small enough to be written down: prefixes are states, words are actions, sentences are paths."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pgedu.arguments import no_underflow, number, numbers, refuse
from pgedu.worlds.mdp import MDP

MOST_SENTENCES = 100_000


@dataclass(frozen=True)
class Language:
    """All sentences of up to `length` words. One ends with its last word, or earlier with the word `stop`.

    Sentences are numbered 0 .. N - 1 in the order of a dictionary, prefixes (the states in which a word is chosen) from
    the shortest to the longest; the state after them all is the end. A policy over words in an `MDP` of this language is
    thereby one over sentences, and the other way round: `log_probs` and `log_policy` translate.

    Args:
        words: names of the V words, which are the actions.
        length: of the longest sentence.
        stop: None (all sentences have `length` words), or the number of the word that ends one.
    Raises:
        ValueError: fewer than two words, two of one name, a length below 1, a stop that is no word, more sentences than
            `MOST_SENTENCES`.
    """

    words: tuple
    length: int
    stop: int | None = None

    def __post_init__(self):
        if not (np.iterable(self.words) and all(isinstance(word, str) for word in self.words)):
            raise refuse("words", "texts", self.words)
        object.__setattr__(self, "words", tuple(self.words))
        if len(self.words) < 2 or len(set(self.words)) < len(self.words):
            raise refuse("words", "two or more, all different", self.words)
        number("length", self.length, 1, whole=True)
        if self.stop is not None:
            number("stop", self.stop, 0, len(self.words) - 1, whole=True)
        if len(self.words) ** self.length > MOST_SENTENCES:
            most = f"so few that there are at most {MOST_SENTENCES} sentences"
            raise refuse("words and length", most, f"{len(self.words)}^{self.length}")

    @cached_property
    def sentences(self):
        """The words of each sentence, [N, length] int; -1 after its end."""
        ended, open_ends = [], [()]
        for t in range(self.length):
            longer = [(*prefix, word) for prefix in open_ends for word in range(len(self.words))]
            over = [each[-1] == self.stop or t == self.length - 1 for each in longer]
            ended += [each for each, is_over in zip(longer, over) if is_over]
            open_ends = [each for each, is_over in zip(longer, over) if not is_over]
        return _frozen([[*each, *[-1] * (self.length - len(each))] for each in sorted(ended)])

    @cached_property
    def lengths(self):
        """The number of words of each sentence, `stop` included, [N]."""
        return _frozen((self.sentences >= 0).sum(axis=-1))

    @cached_property
    def counts(self):
        """How often each word stands in each sentence, [N, V]."""
        return _frozen((self.sentences[..., None] == np.arange(len(self.words))).sum(axis=1))

    @property
    def texts(self):
        """The sentences as they are read, N strings."""
        return [" ".join(self.words[word] for word in row if word >= 0) for row in self.sentences]

    @cached_property
    def states(self):
        """The prefix in which each word of each sentence was chosen, [N, length] int; the end, S - 1, after its end."""
        numbers_of = {}  # prefix -> its number
        for t in range(self.length):
            for row, length in zip(self.sentences.tolist(), self.lengths):
                if t < length:
                    numbers_of.setdefault(tuple(row[:t]), len(numbers_of))
        end = len(numbers_of)
        return _frozen([[numbers_of[tuple(row[:t])] if row[t] >= 0 else end for t in range(self.length)]
                        for row in self.sentences.tolist()])  # fmt: skip

    @property
    def n_states(self):
        """S: all prefixes, and the end."""
        return int(self.states[self.sentences >= 0].max()) + 2

    def world(self, rewards, *, gamma=1.0, policy_rewards=None):
        """The `MDP` in which a sentence is written word by word and rewarded at its end.

        Args:
            rewards: [N], or [*R, N] when each run has a reward of its own.
            gamma, policy_rewards: those of the MDP. For a penalty beta KL(pi || reference), added word by word:
                policy_rewards = lambda log_pi: -beta * (log_pi - log_reference).
        """
        N, V = len(self.sentences), len(self.words)
        rewards = numbers("rewards", rewards, "[N] or [*R, N]")
        if rewards.shape[-1:] != (N,):
            raise refuse("rewards", f"[*R, N] with N = {N} sentences", f"shape {rewards.shape}")
        S = self.n_states
        successors, paid = np.full((S, V, 1), S - 1), np.zeros((*rewards.shape[:-1], S, V))
        last = np.arange(N), self.lengths - 1
        successors[self.states[:, :-1], np.maximum(self.sentences[:, :-1], 0), 0] = self.states[:, 1:]
        paid[..., self.states[last], self.sentences[last]] = rewards
        return MDP(
            rewards=paid, start=np.arange(S) == 0, terminal=np.arange(S) == S - 1, successors=successors,
            chances=np.ones((S, V, 1)), gamma=gamma, policy_rewards=policy_rewards,
        )  # fmt: skip

    def log_probs(self, log_policy):
        """log P(sentence) [*R, N] of log pi(word | prefix) [*R, S, V]: the sum over its words."""
        log_policy = numbers("log_policy", log_policy, "[*R, S, V]", finite=False)
        if log_policy.shape[-2:] != (self.n_states, len(self.words)):
            wanted = f"[*R, S, V] with (S, V) = {(self.n_states, len(self.words))}"
            raise refuse("log_policy", wanted, f"shape {log_policy.shape}")
        if not np.allclose(np.exp(np.minimum(log_policy[..., :-1, :], 1)).sum(axis=-1), 1, rtol=0, atol=1e-9):
            raise refuse("log_policy", "logarithms of chances that sum to 1 after each prefix", "others, such as logits or NaN")
        each = log_policy[..., self.states, np.maximum(self.sentences, 0)]
        return np.where(self.sentences >= 0, each, 0.0).sum(axis=-1)

    @no_underflow
    def log_policy(self, log_probs):
        """log pi(word | prefix) [*R, S, V] of a distribution over sentences, log_probs [*R, N], which sum to 1.

        Uniform behind prefixes that are never written, and in the end state. As theta of a
        `Policy.softmax(Table(S, V))`, flattened, it writes the sentences with these probabilities.
        """
        P = np.exp(numbers("log_probs", log_probs, "[*R, N]", finite=False))
        if P.shape[-1:] != (len(self.sentences),) or not np.allclose(P.sum(axis=-1), 1, rtol=0, atol=1e-9):
            raise refuse("log_probs", f"[*R, N], N = {len(self.sentences)}, of chances that sum to 1", f"shape {P.shape}")
        mass = np.zeros((*P.shape[:-1], self.n_states, len(self.words)))
        for state, word in zip(self.states.T, self.sentences.T):  # one of a sentence's words after the other
            written = word >= 0
            np.add.at(mass, (..., state[written], word[written]), P[..., written])
        total = mass.sum(axis=-1, keepdims=True)
        with np.errstate(divide="ignore"):
            return np.log(np.divide(mass, total, out=np.full_like(mass, 1 / len(self.words)), where=total > 0))


def _frozen(rows):
    array = np.array(rows)
    array.setflags(write=False)
    return array
