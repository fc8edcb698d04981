"""Policies: parameters to distributions over actions, and the score. Imports no other room."""

from pgedu.policies.heads import Categorical, Gaussian
from pgedu.policies.policy import Policy

__all__ = ["Categorical", "Gaussian", "Policy"]
