"""The geometry of arrows that are as wide as a chance: ribbons along curves, in points of the picture."""

import numpy as np

POINTS = 24  # along the middle of a ribbon
HEAD = 10.0  # length of an arrowhead


def curve(start, end, bend, leaves, arrives):
    """The middle line [POINTS, 2] of an arrow, bent to the left of its way.

    Args:
        start, end: [2], the middles of what it connects.
        bend: how far it swings out, as a share of its length.
        leaves, arrives: functions of points, above 0 outside of the one and the other.
    """
    way = end - start
    swing = (start + end) / 2 + 2 * bend * np.array([-way[1], way[0]])
    t = np.linspace(0, 1, 401)[:, None]
    line = (1 - t) ** 2 * start + 2 * t * (1 - t) * swing + t**2 * end
    outside = np.flatnonzero((leaves(line) > 0) & (arrives(line) > 0))
    first, last = (outside[0], outside[-1]) if len(outside) else (199, 201)
    return line[np.linspace(first, last, POINTS).round().astype(int)]


def loop(angle, radius, reach):
    """The middle line [POINTS, 2] of an arrow around (0, 0): it leaves a disc at this angle, and comes back to it."""
    t = np.linspace(0, 1, POINTS)[:, None]
    turn = lambda by, far: far * np.array([np.cos(angle + by), np.sin(angle + by)])  # noqa: E731
    far = radius + 1.33 * reach
    there = (1 - t) ** 3 * turn(0.5, radius) + 3 * t * (1 - t) ** 2 * turn(0.62, far)
    return there + 3 * t**2 * (1 - t) * turn(-0.62, far) + t**3 * turn(-0.5, radius)


def ribbons(lines, widths):
    """Outlines [E * A, V, 2] of arrows along lines [E, POINTS, 2], each of A strips side by side, widths [E, A].

    The strips share the arrowhead as they share the arrow. An arrow of no width is a point.
    """
    total = widths.sum(axis=1, keepdims=True)
    edges = np.concatenate([0 * total, widths.cumsum(axis=1)], axis=1) - total / 2  # [E, A + 1], across the arrow
    steps = np.gradient(lines, axis=1)
    along = steps / np.maximum(np.linalg.norm(steps, axis=-1, keepdims=True), 1e-9)
    across = np.stack([along[..., 1], -along[..., 0]], axis=-1)
    left = np.linalg.norm(lines - lines[:, -1:], axis=-1) > HEAD  # the body ends where the head begins
    neck = np.maximum(left.cumsum(axis=1)[:, -1] - 1, 1)
    index = np.minimum(np.arange(POINTS), neck[:, None])[..., None]
    body, normal = np.take_along_axis(lines, index, axis=1), np.take_along_axis(across, index, axis=1)
    sides = body[:, None] + edges[..., None, None] * normal[:, None]  # [E, A + 1, POINTS, 2]
    wider = 1 + 8 * np.minimum(total, 1) / np.maximum(total, 1e-9)
    barbs = body[:, None, -1:] + (wider * edges)[..., None, None] * normal[:, None, -1:]
    tip = np.broadcast_to(lines[:, None, -1:], barbs[:, 1:].shape)
    parts = [sides[:, :-1], barbs[:, :-1], tip, barbs[:, 1:], sides[:, 1:, ::-1]]
    outlines = np.concatenate(parts, axis=2)
    shown = (widths > 0)[..., None, None]
    return np.where(shown, outlines, outlines[:, :, :1]).reshape(-1, *outlines.shape[2:])


def at(lines, share):
    """The point [E, 2] that far along each line: share 0 is its begin, 1 its end."""
    place = share * (lines.shape[1] - 1)
    low = min(int(place), lines.shape[1] - 2)
    return lines[:, low] + (place - low) * (lines[:, low + 1] - lines[:, low])
