"""Old addresses: a module that has moved still imports, with a sentence that names the new place."""

import importlib
import sys
import warnings
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec

MOVED = {
    "mdp": ("worlds.mdp", "worlds.finite"),
    "envs": ("worlds.envs", "worlds.registry"),
    "approximators": ("policies.approximators",),
    "rollouts": ("experience.rollouts",),
    "streams": ("experience.streams",),
    "enumeration": ("experience.enumeration",),
    "returns": ("gradients.returns",),
    "baselines": ("gradients.baselines", "learning.learned_value"),
    "estimators": ("gradients.estimators", "gradients.moments"),
    "exact": ("gradients.exact",),
    "optimizers": ("learning.optimizers",),
    "training": ("learning.training", "learning.reinforce"),
    "actor_critics": ("learning.actor_critics",),
    "trust_regions": ("learning.trust_regions",),
    "proximal": ("learning.proximal",),
    "bandits": ("lessons.gradient_bandit",),
    "live": ("panels", "panels.live", "panels.panel", "panels.canvas"),
    "canvas": ("panels.canvas",),
    "views": ("panels.views",),
    "cells": ("panels.cells",),
    "museum": ("lessons.museum",),
    "checks": ("lessons.checks",),
    "estimator_checks": ("lessons.estimator_checks",),
    "verdicts": ("lessons.verdicts",),
}  # `pgedu.policies` is a room today, which has the names that the module had


class _Moved(MetaPathFinder, Loader):
    """Finds pgedu.<old name>, and fills it with the public names of its new places."""

    def find_spec(self, name, path=None, target=None):
        room, _, old = name.rpartition(".")
        return ModuleSpec(name, self) if room == "pgedu" and old in MOVED else None

    def exec_module(self, module):
        places = [f"pgedu.{place}" for place in MOVED[module.__name__.rpartition(".")[2]]]
        warnings.warn(f"{module.__name__} has moved: import from {' or '.join(places)}", FutureWarning, stacklevel=2)
        for place in places:
            found = vars(importlib.import_module(place))
            vars(module).update({name: value for name, value in found.items() if not name.startswith("_")})


def old_attribute(name):
    """pgedu.<old name>, as an attribute: what `import pgedu` alone gave, too."""
    if name in MOVED:
        return importlib.import_module(f"pgedu.{name}")
    raise AttributeError(f"module 'pgedu' has no attribute {name!r}")


def install():
    """Let the old addresses be found; done once, when pgedu is imported."""
    sys.meta_path.append(_Moved())
