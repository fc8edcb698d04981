"""What public functions ask of their arguments. Each raises one ValueError: the argument, what was expected, what came.

Below all rooms, and the only place where such sentences are made: `runs must be a whole number of 1 or more; got 0`.
"""

import inspect

import numpy as np


def no_underflow(function):
    """The function, for which what underflows is 0, also for a student who set np.seterr(all="raise")."""
    return np.errstate(under="ignore")(function)


def refuse(name, wanted, got):
    """The sentence itself."""
    return ValueError(f"{name} must be {wanted}; got {_short(got)}")


def number(name, value, least=-np.inf, most=np.inf, *, above=None, whole=False, finite=True, none=False):
    """`value`, if it is a number (no bool, no NaN) from `least` to `most`, or above `above`; None, if `none`."""
    if none and value is None:
        return value
    kind = (int, np.integer) if whole else (int, float, np.integer, np.floating)
    known = isinstance(value, kind) and not isinstance(value, bool | np.bool_) and value == value
    inside = known and least <= value <= most and (above is None or value > above)
    infinite = known and value in (np.inf, -np.inf)
    if inside and not (finite and infinite):
        return value
    wanted = f"a {'whole ' * whole}number{_range(least, most, above)}" + ", and finite" * infinite
    raise refuse(name, wanted, value)


def _range(least, most, above):
    if np.isfinite(most):
        return f" between {least} and {most}" if above is None else f" above {above} and up to {most}"
    return f" above {above}" if above is not None else f" of {least} or more" if np.isfinite(least) else ""


def numbers(name, value, axes=None, shape=None, *, least=-np.inf, most=np.inf, finite=True):
    """`value` as an array of floats from `least` to `most`: of the given shape, whose axes have names such as "[T, ..., B]"."""
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise TypeError
        array = array.astype(float, copy=False)
    except (TypeError, ValueError):
        raise refuse(name, f"numbers{f' {axes}' if axes else ''}", value) from None
    if shape is not None and array.shape != tuple(shape):
        raise refuse(name, f"{axes} = {tuple(shape)}" if axes else f"of shape {tuple(shape)}", f"shape {array.shape}")
    if finite and not np.isfinite(array).all():
        raise refuse(name, "finite numbers", "NaN or infinity")
    if least > -np.inf or most < np.inf:
        outside = (array < least) | (array > most)
        if outside.any():
            raise refuse(name, f"{least} or more" if most == np.inf else f"between {least} and {most}", array[outside][0])
    return array


def parameters(policy, theta):
    """theta [*R, D] as an array of finite floats, D being the policy's size."""
    if not (hasattr(policy, "head") and hasattr(policy, "size")):
        raise refuse("policy", "a Policy, such as Policy.softmax(Table(observations=3, outputs=2))", policy)
    array = numbers("theta", theta, "[*R, D]", finite=False)
    if array.shape[-1:] != (policy.size,):
        raise refuse("theta", f"[*R, D] with D = {policy.size}", f"shape {array.shape}")
    if not np.isfinite(array).all():
        raise refuse("theta", "finite", "NaN or infinity")
    return array


def able(name, value, does, wanted):
    """`value`, if it has the method `does`: for worlds, of which nobody asks more than what they answer."""
    if callable(getattr(value, does, None)) and not isinstance(value, type):
        return value
    raise refuse(name, wanted, value)


def switch(name, value):
    """`value`, if it is True or False."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise refuse(name, "True or False", value)


def generator(name, value):
    """`value`, if it is a numpy.random.Generator: all chance comes from one that the caller passes."""
    if isinstance(value, np.random.Generator):
        return value
    raise refuse(name, "a generator such as numpy.random.default_rng(0)", value)


def function(name, value, wanted="a function", *, places=None, none=False):
    """`value`, if it can be called (with so many arguments) and is no class, whose call was forgotten; None, if `none`."""
    if none and value is None:
        return value
    if callable(value) and not isinstance(value, type):
        try:
            places is None or inspect.signature(value).bind_partial(*[None] * places)
            return value
        except ValueError:
            return value  # a compiled function, which does not tell
        except TypeError:
            pass  # it takes fewer arguments
    raise refuse(name, wanted, value)


def _short(value):
    if isinstance(value, str) and value.startswith(("shape ", "NaN ")):
        return value
    text = " ".join(repr(value.item() if isinstance(value, np.generic) else value).split())
    return text if len(text) <= 80 else text[:77] + "..."
