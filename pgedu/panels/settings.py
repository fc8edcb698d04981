"""What may be set on a training while it runs."""

import inspect
from collections.abc import Callable


def can_be_set(training, name):
    """Whether it is an attribute of the training that may change: no method, nothing fixed, no part of its state."""
    kind = inspect.getattr_static(type(training), name, None)
    fixed = inspect.isroutine(kind) or not getattr(kind, "live", True) or getattr(kind, "fset", True) is None
    return hasattr(training, name) and not fixed and name not in getattr(training, "state", ())


def settings_of(training, controls):
    """Names of what may be set on the training: where it has a number or a function, and what the controls ask for."""
    public = [name for name in dir(training) if not name.startswith("_")]
    simple = [name for name in public if isinstance(getattr(training, name, None), int | float | Callable)]
    return [name for name in {*simple, *controls} if can_be_set(training, name)]
