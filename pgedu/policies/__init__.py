"""Policies: parameters to distributions over actions, and the score. Imports no other room."""

from pgedu.policies.constants import WithConstants
from pgedu.policies.approximators import MLP, Linear, Table
from pgedu.policies.gains import Gain
from pgedu.policies.heads import Categorical, Gaussian, log_softmax, softmax
from pgedu.policies.policy import Policy
from pgedu.policies.squashed import SquashedGaussian

__all__ = [
    "Linear", "MLP", "Table", "Gain", "Categorical", "Gaussian", "Policy", "SquashedGaussian", "WithConstants",
    "log_softmax", "softmax",
]  # fmt: skip
