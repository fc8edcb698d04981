"""Antithetic pairs: episodes in twos, the second of which has the luck of the first with the opposite sign."""

from dataclasses import dataclass

import numpy as np

from pgedu.arguments import refuse


@dataclass(frozen=True)
class Antithetic:
    """A head whose noise comes in pairs: episode b + B/2 of a batch gets minus the noise of episode b.

    Each episode by itself is distributed as before, so every estimate stays unbiased. Policy(approximator, Antithetic(
    Gaussian(d))) works wherever the head itself does; `pair_means` makes one number of the two of a pair.

    Args:
        head: one whose noise is as likely as its negative, such as `Gaussian`.
    Raises:
        ValueError: another head; a batch of an odd number of episodes.
    """

    head: object

    def __post_init__(self):
        if not hasattr(self.head, "dimensions"):
            raise refuse("head", "one whose noise is as likely as its negative, such as Gaussian(1)", self.head)

    def noise(self, rng, shape):
        if shape[-1] % 2:
            raise refuse("episodes", "an even number, for there to be pairs", shape[-1])
        half = self.head.noise(rng, (*shape[:-1], shape[-1] // 2))
        return np.concatenate([half, -half], axis=len(shape) - 1)

    def __getattr__(self, name):
        """All else is the head's own."""
        if name == "head" or name.startswith("__"):  # asked for while a copy is being made
            raise AttributeError(name)
        return getattr(self.head, name)


def pair_means(gradients):
    """One estimate of each antithetic pair, from gradients [*R, B, D] of episodes b and b + B/2: [*R, B/2, D].

    The two are not independent of each other, so only their means are a sample of which `moments` can tell a variance.
    """
    gradients = np.asarray(gradients)
    if gradients.ndim < 2 or gradients.shape[-2] % 2:
        raise refuse("gradients", "[*R, B, D] with an even B", f"shape {gradients.shape}")
    half = gradients.shape[-2] // 2
    return (gradients[..., :half, :] + gradients[..., half:, :]) / 2
