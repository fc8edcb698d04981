"""Settings: what an algorithm can be told. Each is declared once, in its class: name, kind, range, default, live or fixed.

    class reinforce(PolicyGradient):
        episodes = Setting(whole, 1)
        estimator = Setting(require_estimator, reward_to_go)

The class then takes it as an argument, shows it in its signature, and checks it whenever it is set.
"""

import inspect
from functools import partial

import numpy as np

from pgedu.arguments import number, refuse

REQUIRED = inspect.Parameter.empty
whole = partial(number, least=1, whole=True)  # a kind: function (name, value) -> value, or a ValueError
share = partial(number, least=0, most=1)


def optional(kind):
    """The same kind, or None."""
    return lambda name, value: value if value is None else kind(name, value)


class Setting:
    """A setting of `kind`, a function (name, value) -> value that raises ValueError.

    Args:
        live: may it be changed between two updates, by a slider, a schedule or a student? If not, it is fixed.
        first: its place, 1, 2, ..., if it may be given without its name.
    """

    def __init__(self, kind, default=REQUIRED, *, live=True, first=None):
        self.kind, self.default, self.live, self.first = kind, default, live, first

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, told, owner=None):
        if told is None:
            return self
        try:
            return vars(told)[self.name]
        except KeyError:
            raise AttributeError(f"{self.name} is not set yet") from None

    def __set__(self, told, value):
        known = self.name in vars(told)
        if known and not self.live:
            raise ValueError(f"{self.name} is fixed once a training is made; what may change is {told.may_change()}")
        before, vars(told)[self.name] = vars(told).get(self.name), self.kind(self.name, value)
        if known:  # while a training is made, it is asked once, at the end
            try:
                told.require_agreement()
            except ValueError:
                vars(told)[self.name] = before
                raise
            told.has_changed(self.name)


def _require_settings(cls):
    """A plain value in the place of a base's setting would be checked by nobody."""
    for name, value in vars(cls).items():
        inherited = next((vars(base)[name] for base in cls.__mro__[1:] if name in vars(base)), None)
        if isinstance(inherited, Setting) and not (value is None or isinstance(value, Setting | property)):
            raise refuse(f"{name} of {cls.__name__}", f"a Setting, as it is in its base, such as Setting(kind, {value!r})", value)


class Settings:
    """Whoever has settings. A subclass drops one that makes no sense for it by declaring the name as None.

    Raises:
        ValueError: a name that is no setting, a value that is not of its kind, settings that do not fit one another.
        TypeError: a setting without default that was not given.
    """

    def __init_subclass__(cls, **others):
        super().__init_subclass__(**others)
        _require_settings(cls)
        kinds = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
        rows = sorted(cls.settings().values(), key=lambda setting: setting.first or np.inf)
        cls.__signature__ = inspect.Signature(
            inspect.Parameter(each.name, kinds[not each.first], default=each.default) for each in rows
        )

    @classmethod
    def settings(cls):
        """{name: Setting} of this class."""
        names = dict.fromkeys(name for each in reversed(cls.__mro__) for name in vars(each))
        found = {name: inspect.getattr_static(cls, name) for name in names}
        return {name: each for name, each in found.items() if isinstance(each, Setting)}

    def __init__(self, *first, **told):
        for name in told:
            if name not in self.settings():
                raise ValueError(f"{type(self).__name__} has no setting {name}; it has {', '.join(self.settings())}")
        given = inspect.signature(type(self)).bind(*first, **told)
        given.apply_defaults()
        for name, value in given.arguments.items():
            setattr(self, name, value)
        self.require_agreement()
        self.begin()

    def begin(self):
        """Make what the settings ask for; a subclass adds its own."""

    def has_changed(self, name):
        """What follows from a setting that was changed; a subclass adds its own."""

    def require_agreement(self):
        """Raise ValueError where settings do not fit one another; a subclass adds its own."""

    def __setattr__(self, name, value):
        if not (name.startswith("_") or name in self.state):  # what changes often first: the look-up below takes a while
            if not isinstance(inspect.getattr_static(type(self), name, None), Setting | property):
                raise ValueError(f"{type(self).__name__} has no setting {name}; what may change is {self.may_change()}")
        super().__setattr__(name, value)

    # A subclass declares what it keeps beside settings: `state = (*Base.state, "name")`; names that begin with _ are free.
    state = ()  # names of what changes by itself, such as the number of updates

    @classmethod
    def may_change(cls):
        """The names of everything that may be set at any time, as a text."""
        rates = ["learning_rate"] if isinstance(inspect.getattr_static(cls, "learning_rate", None), property) else []
        return ", ".join([name for name, each in cls.settings().items() if each.live] + rates)
