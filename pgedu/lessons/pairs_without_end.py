"""DPO and IPO on two answers in notebook 12: how far apart they drive them, exactly, along the flow of their gradients."""

import numpy as np

from pgedu.panels.look import COLORS, in_decades, key, tidy

SHARES = np.round(np.arange(0.5, 1.0001, 0.005), 3)
TIMES = np.geomspace(0.01, 1e6, 161)  # updates times learning rate
HUES = {"DPO": COLORS["state value"], "IPO": COLORS["constant"]}
HIGHEST = 12.0  # log odds that are shown


def stops_at(share, beta, kind):
    """The log odds at which the gradient is 0, if this share of people prefer the first answer."""
    if kind == "IPO":
        return (2 * share - 1) / (2 * beta)
    with np.errstate(divide="ignore"):
        return (np.log(share) - np.log1p(-share)) / beta


def speed(h, share, beta):
    """dh / dt of DPO: both logits move, each by what `preference_weights` gives, for pairs in both orders."""
    sigma = 1 / (1 + np.exp(np.clip(-beta * h, -700, 700)))
    return 2 * beta * (share * (1 - sigma) - (1 - share) * sigma)


def log_odds(times, share, beta, kind):
    """h of both methods at these times [T], from answers that are alike."""
    end = stops_at(share, beta, kind)
    if kind == "IPO":
        return end * -np.expm1(-4 * times)
    if end == 0:
        return 0.0 * times
    reach = np.log(1 + 2 * beta**2 * times.max()) / beta  # more than it can come to: h + (e^(beta h) - 1) / beta = 2 beta t
    if np.isinf(end):
        h = np.linspace(0, reach, 4000)
        return np.interp(times, (h + np.expm1(beta * h) / beta) / (2 * beta), h)
    h = end * -np.expm1(-np.linspace(0, 25, 4000))  # dense near its end
    passed = np.diff(h) * (1 / speed(h[1:], share, beta) + 1 / speed(h[:-1], share, beta)) / 2
    return np.interp(times, np.concatenate([[0.0], np.cumsum(passed)]), h)


def chosen(h):
    """The chance of the first answer."""
    return 1 / (1 + np.exp(-h))


def without_end(figure):
    """Log odds over time, and where they end over the share of people who prefer the first answer. For `explore`."""
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    in_decades(tidy(left, "log odds of the first answer", "updates × learning rate").xaxis)
    left.set(xlim=(0.01, 1e6), ylim=(-0.3, HIGHEST), xticks=[0.01, 1, 100, 1e4, 1e6])
    tidy(right, "its chance in the end; dotted: as people say", "share who prefer it").set(xlim=(0.5, 1.005), ylim=(0.48, 1.02))
    lanes = {name: _Lane(left, right, name, color) for name, color in HUES.items()}
    (wanted,) = left.plot([], [], ":", color=COLORS["exact"])
    right.plot(SHARES, SHARES, ":", color=COLORS["exact"])
    (handle,) = left.plot([], [], "^", color="black", markersize=10, gid="time")
    (share_handle,) = right.plot([], [], "^", color="black", markersize=10, gid="share")
    key(left, *(lane.curve for lane in lanes.values()))

    def draw(share, beta, time):
        now = {name: lane.show(share, beta, time) for name, lane in lanes.items()}
        people = min(stops_at(share, 1.0, "DPO"), HIGHEST)
        wanted.set_data(TIMES[[0, -1]], [people, people])
        handle.set_data([time], [0.05])
        share_handle.set_data([share], [0.492])
        return _in_words(share, beta, now)

    return draw


class _Lane:
    """One method: its log odds up to a time, and where they end up to a share."""

    def __init__(self, left, right, name, color):
        self.name = name
        (self.curve,) = left.plot([], [], color=color, label=name)
        (self.dot,) = left.plot([], [], "o", color=color, markersize=8)
        (self.end,) = right.plot([], [], color=color)

    def show(self, share, beta, time):
        """Draw it; returns the log odds at that time."""
        shown, shares = np.append(TIMES[TIMES < time * (1 - 1e-9)], time), np.append(SHARES[SHARES < share - 1e-9], share)
        h = log_odds(shown, share, beta, self.name)
        self.curve.set_data(shown, np.minimum(h, HIGHEST))
        self.dot.set_data([time], [min(h[-1], HIGHEST - 0.2)])
        self.end.set_data(shares, chosen(stops_at(shares, beta, self.name)))
        return float(h[-1])


def _in_words(share, beta, now):
    where = [stops_at(share, beta, name) for name in HUES]
    dpo = f"DPO is going on to {where[0]:.3g}" if np.isfinite(where[0]) else "DPO goes on for ever"
    return (
        f"{100 * share:.1f} % prefer the first answer. The log odds are {now['DPO']:.3g} with DPO and "
        f"{now['IPO']:.3g} with IPO, so that it is given in "
        f"{_per_cent(now['DPO'])} and {_per_cent(now['IPO'])} % of cases. {dpo}, IPO to {where[1]:.3g}."
    )


def _per_cent(h):
    """The chance of the first answer in words; never all of 100 %, since no log odds are infinite."""
    return f"{100 * chosen(h):.4g}" if chosen(h) < 0.99995 else "over 99.99"
