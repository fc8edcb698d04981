"""Gradients: a `Rollout` to weights psi, to a gradient, its moments and the truth. Imports `experience` and what lies below."""
