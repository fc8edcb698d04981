"""Handles: controls that are places in the picture. The value is the control's own; here it is only translated."""

import numpy as np

from pgedu.arguments import refuse
from pgedu.panels.controls import clipped, stepped


HAIR = 1e-3  # as a share of the picture: what lies on the edge of a plot is in it


class Handles:
    """The controls of a panel that go along an axis, as handles of its picture: one each, or two that span a plane."""

    def __init__(self, controls, canvas):
        self._controls = {name: control for name, control in controls.items() if getattr(control, "along", None)}
        self._canvas = canvas
        for name, control in self._controls.items():
            if control.along[0] >= len(canvas.figure.axes):
                plots = f"0 to {len(canvas.figure.axes) - 1}, a plot of this panel"
                raise refuse(f"the number of the axes along which {name} goes", plots, control.along[0])
        self._groups = self._grouped()  # [{"x": name, "y": name}], one or both

    def _grouped(self):
        """One control along x and one along y of the same plot, on the same marker or on none, are one point."""
        places = {}
        for name, control in self._controls.items():
            axes, along = control.along
            places.setdefault(axes, {"x": [], "y": []})[along].append(name)
        groups = []
        for axes, found in places.items():
            if len(found["x"]) == len(found["y"]) == 1:
                groups.append({"x": found["x"][0], "y": found["y"][0]})
            else:
                groups += [{along: name} for along in "xy" for name in found[along]]
        return groups

    def now(self, positions):
        """What the picture's page needs to know about each handle, with the controls at these positions."""
        return [self._of(group, positions) for group in self._groups]

    def _axes(self, group):
        return self._canvas.figure.axes[self._controls[next(iter(group.values()))].along[0]]

    def _of(self, group, positions):
        axes = self._axes(group)
        marker = next((line for line in axes.lines if line.get_gid() in group.values()), None)
        x, y = axes.get_xlim()[0], axes.get_ylim()[0]  # on the edge, if nothing else is said
        if marker is not None and len(marker.get_xdata()):
            x, y = marker.get_xdata()[0], marker.get_ydata()[0]
        x, y = (positions[group[along]] if along in group else edge for along, edge in (("x", x), ("y", y)))
        at, box = self._canvas.fractions(axes, x, y)
        (left, top), (right, bottom) = np.array(box[:2]) - HAIR, np.array(box[2:]) + HAIR
        inside = bool(left <= at[0] <= right and top <= at[1] <= bottom)  # False where it is not finite, too
        first = self._controls[next(iter(group.values()))]
        return {
            "along": "".join(group), "box": box, "at": at.tolist() if inside else [0, 0], "inside": inside,
            "on_marker": marker is not None, "label": " and ".join(self._named(name) for name in group.values()),
            "value": ", ".join(f"{self._named(name)} = {positions[name]:.3g}" for name in group.values()),
            "range": [_ends(first)[0], positions[next(iter(group.values()))], _ends(first)[1]],
        }  # fmt: skip

    def _named(self, name):
        return self._controls[name].description or name.replace("_", " ")

    def wanted(self, handle, at=None, steps=None):
        """{name: value} that a hand wants: handle number `handle` at [x, y] of the picture, or so many steps further."""
        group = self._groups[handle]
        if steps is not None:
            return {group[along]: stepped(self._controls[group[along]], n) for along, n in zip(group, steps)}
        values = dict(zip("xy", self._canvas.values(self._axes(group), *at)))
        return {name: clipped(self._controls[name], values[along]) for along, name in group.items()}


def _ends(control):
    if hasattr(control, "base"):
        return control.base**control.min, control.base**control.max
    return control.min, control.max
