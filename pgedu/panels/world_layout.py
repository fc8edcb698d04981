"""Where discs, arrows and words of a world go in a box, in points: `Layout`, the geometry of `world_graph`."""

import numpy as np

from pgedu.panels import ribbons

RING = 5.0  # width of the ring that shows the policy
LOOP = 27.0  # how far a loop reaches beyond a disc
ROW = 15.0  # height of a line of words
DOT = 11.0  # from one walker to the next
AROUND = np.linspace(0, 2 * np.pi, 16, endpoint=False)
WAYS = np.stack([np.cos(AROUND), np.sin(AROUND)], axis=-1)


class Layout:
    """Places things one after the other where they cover least of what is there already.

    Args:
        size: [2], width and height of the box.
        where: [S, 2], the places of the states, from 0 to 1; on a line, if `line`.
        links: [E, 2], the transitions (from, to) for which there will be `lines` [E, POINTS, 2].
        square: [S] bool, terminal states.
        needed: the radius of a disc into which a name and a number fit.
        top, bottom: heights that are kept free.
    """

    def __init__(self, size, where, links, square, needed, *, line, top=0.0, bottom=0.0):
        self.size, self.links, self.square, self.line = np.array(size, dtype=float), links, square, line
        self.taken = []  # rectangles [(left, low), (right, high)]
        self._own = links[:, 0] == links[:, 1]
        self._place_discs(where, needed, top, bottom)
        self.lines = np.zeros((len(links), ribbons.POINTS, 2))
        self._arrows = np.zeros((0, 2))  # points on all that was drawn so far
        for e in [*np.flatnonzero(~self._own), *np.flatnonzero(self._own)]:
            self.lines[e] = self._loop(links[e, 0]) if self._own[e] else self._curve(*links[e])
            self._arrows = np.concatenate([self._arrows, self.lines[e]])
        self.seats = np.array([self._seat(state) for state in range(len(where))])

    def _place_discs(self, where, needed, top, bottom):
        self.radius = 30.0
        for _ in range(5):  # the radius leaves room for the gaps, and the gaps depend on the radius
            self.rim = self.radius + RING + 1
            side = self.rim + 4 + (bottom > 0) * (2 if self.line else DOT)
            low = np.array([side, self.rim + DOT + bottom])
            high = np.array([side, self.rim + (LOOP + 6) * self._own.any() + top])
            room = np.maximum(self.size - low - high, 1.0)
            self.centres = low + room * where
            gaps = np.linalg.norm(self.centres[:, None] - self.centres, axis=-1)
            self.near = float((gaps + 1e9 * np.eye(len(gaps))).min())
            self.radius = float(np.clip(min(needed, 0.315 * self.near, 0.2 * self.size[1]), 6, 33))
        self.inside = self.radius > needed - 1  # names, too

    def _rims(self, state):
        """A function of points: how far outside they are of the rim of this disc or square."""
        if self.square[state]:
            return lambda points: np.abs(points - self.centres[state]).max(axis=-1) - 0.92 * self.radius - 3
        return lambda points: np.linalg.norm(points - self.centres[state], axis=-1) - self.rim

    def _curve(self, here, there):
        """A line to another disc that passes by all others; where one leads back, each keeps to its left."""
        both = (self.links == [there, here]).all(axis=1).any()
        close = np.linalg.norm(self.centres[here] - self.centres[there]) < 2 * self.rim + 34
        bends = [0.3 if close else 0.16, 0.3, 0.45] if both else [0, 0.16, -0.16, 0.3, -0.3, 0.45, -0.45]
        ends = self.centres[here], self.centres[there]
        ways = [ribbons.curve(*ends, bend, self._rims(here), self._rims(there)) for bend in bends]
        others = np.delete(self.centres, [here, there], axis=0)
        costs = [self._outside(way) + 20 * _hits(way, others, self.rim + 3) + k for k, way in enumerate(ways)]
        return ways[int(np.argmin(costs))]

    def _loop(self, state):
        """A loop where there is room: rather upwards, away from the others."""
        out = self.centres[state] - self.centres.mean(axis=0)
        wish = np.pi / 2 if self.line or np.abs(out).max() < 1 else np.arctan2(out[1], out[0])
        others, costs = np.delete(self.centres, state, axis=0), []
        ways = [self.centres[state] + ribbons.loop(angle, self.rim, LOOP) for angle in AROUND]
        for angle, way in zip(AROUND, ways):
            covers = 20 * _hits(way, others, self.rim + 4) + 4 * _hits(way[3:-3], self._arrows, 11)
            costs.append(self._outside(way) + covers - 1.8 * np.sin(angle) - 3 * np.cos(angle - wish))
        return ways[int(np.argmin(costs))]

    def _seat(self, state):
        """The angle at which walkers stand around a disc: rather below, where there is room."""
        arcs = [self.spots(state, angle, np.arange(4)) for angle in AROUND]
        others = np.delete(self.centres, state, axis=0)
        covers = [_hits(arc, self._arrows, 9) + 2 * _hits(arc, others, self.rim + 6) for arc in arcs]
        best = int(np.argmin([n + self._outside(arc) + np.sin(angle) for n, arc, angle in zip(covers, arcs, AROUND)]))
        self.taken += [np.array([spot - 5, spot + 5]) for spot in arcs[best]]
        return AROUND[best]

    def spots(self, states, angles, rank):
        """Where walkers stand, [n, 2]: side by side around their disc, the first at this angle."""
        orbit = self.rim + 5
        most = int(2 * np.pi * orbit / DOT)
        side = (rank % most + 1) // 2 * np.where(rank % 2, 1, -1) * DOT / orbit
        away = (orbit + DOT * (rank // most))[:, None]
        return self.centres[states] + away * np.stack([np.cos(angles + side), np.sin(angles + side)], axis=-1)

    def take(self, middle, size):
        """Keep others away from a rectangle."""
        half = np.array(size) / 2
        self.taken.append(np.array([middle - half, middle + half]))

    def beside(self, state, size):
        """The left upper corner of a rectangle of this size beside a disc, where there is room."""
        size = np.array(size)
        found = []
        for distance in (3, 14, 28, 44):
            for way in WAYS:
                away = np.sign(way.round(6)) * np.sqrt(np.abs(way)) * size / 2
                middle = self.centres[state] + way * (self.rim + distance) + away
                rectangle = np.array([middle - size / 2, middle + size / 2])
                found.append((self._cost(rectangle) + distance / 12, tuple(rectangle.ravel())))
        left, low, right, high = min(found)[1]
        self.taken.append(np.array([[left, low], [right, high]]))
        return left, high

    def _cost(self, rectangle):
        """How much a rectangle covers: arrows, discs, words and walkers, and what is outside."""
        nearest = np.clip(self.centres, *rectangle)
        discs = (np.linalg.norm(nearest - self.centres, axis=-1) < self.rim + 2).sum()
        arrows = ((self._arrows > rectangle[0] - 8) & (self._arrows < rectangle[1] + 8)).all(axis=-1).sum()
        words = sum((rectangle[0] - 4 < other[1]).all() and (other[0] < rectangle[1] + 4).all() for other in self.taken)
        return 50 * discs + 3 * arrows + 20 * words + 4 * self._outside(rectangle, margin=1)

    def _outside(self, points, margin=6):
        """How far points [n, 2] stick out of the box."""
        return 5 * np.maximum(np.maximum(margin - points, points - self.size + margin), 0).max()

    def frame(self, group):
        """The outline of states that look alike: the walls of a corridor, or a band around them."""
        angle = np.linspace(0, 2 * np.pi, 49)
        around = (self.rim + DOT + 2) * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        points = (self.centres[group][:, None] + around).reshape(-1, 2)
        if not self.line:
            return hull(points)
        (left, low), (right, high) = points.min(axis=0), points.max(axis=0)
        high += (LOOP - DOT + 6) * self._own.any()
        return np.array([[left + DOT - 4, low], [right - DOT + 4, low], [right - DOT + 4, high], [left + DOT - 4, high]])


def _hits(points, others, distance):
    """How many of the points [n, 2] come that near to one of the others."""
    return (np.linalg.norm(points[:, None] - others, axis=-1) < distance).any(axis=1).sum() if len(others) else 0


def hull(points):
    """The convex hull of points [n, 2], counter-clockwise (Andrew's monotone chain)."""
    ordered, found = points[np.lexsort(points.T[::-1])], []
    for sweep in (ordered, ordered[::-1]):
        part = []
        for point in sweep:
            while len(part) > 1 and _turn(*part[-2:], point) <= 0:
                part.pop()
            part.append(point)
        found += part[:-1]
    return np.array(found)


def _turn(a, b, c):
    """Above 0 if the way from a over b to c turns left."""
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])
