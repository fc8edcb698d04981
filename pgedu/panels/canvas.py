"""A figure that is redrawn fast: what stands still is drawn once, what moves is drawn on top of it."""

import struct
import weakref
import zlib

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pgedu.panels.look import our_settings

ROOM = 3.0  # pixels that ticks may reach further out than those for which a layout was found
GHOST = "0.55"  # the colour of pinned curves, 3.4 to 1 on white: they are there to be compared with


class Canvas:
    """A Matplotlib figure, set up by `setup(figure)`, that turns into a PNG in a few milliseconds.

    Axes, ticks, titles, legends, and whatever inside the axes has not moved yet, are the background: drawn in full only
    when something of it changes. Lines, areas, images and texts that have moved once are drawn at every frame.
    """

    def __init__(self, setup, size=(9.6, 3.8), dpi=100):
        with our_settings():
            self.figure = Figure(figsize=size, dpi=dpi, layout="constrained")
        self._agg = FigureCanvasAgg(self.figure)
        self._seen, self._before = None, []
        self._ghosts = []  # (index of the axes, x, y, marker) of pinned lines
        self.setup(setup)

    @our_settings()
    def setup(self, setup):
        """Clear the figure and let `setup(figure)` fill it; pinned curves stay. Returns what `setup` returns."""
        self._before = self._stand() if self._seen else []
        self.figure.clear()
        self.figure.set_layout_engine("constrained", rect=(0, 0, 0.985, 1))  # room for a longer last number of an axis
        self._background = self._seen = None
        self._moving = weakref.WeakSet()
        self.draw = setup(self.figure)
        for axes in self.figure.axes:
            for artist in _inside(axes):
                artist.stale = False  # Matplotlib's mark of what has changed since it was drawn: what moves will have it
        self._show_ghosts()
        return self.draw

    @our_settings()
    def pin(self, keep):
        """Keep the lines that move as they are now as a grey ghost, in place of an earlier one; or let the ghost go."""
        self._notice()
        lines = [(i, line) for i, axes in enumerate(self.figure.axes) for line in axes.lines]
        for _, line in lines:
            if line.get_gid() == "ghost":
                line.remove()
        # Lines across the whole axes, as axhline draws them, are not in the units of the data, and do not move.
        kept = [
            (i, *np.array(line.get_data()), line.get_marker(), line.get_linestyle())
            for i, line in lines
            if line in self._moving and line.get_transform() == line.axes.transData
        ]
        self._ghosts = kept if keep else []
        self._show_ghosts()

    def _show_ghosts(self):
        for index, x, y, marker, style in self._ghosts:
            look = {"color": GHOST, "marker": marker, "linestyle": style, "markersize": 2}
            (ghost,) = self.figure.axes[index].plot(x, y, **look, zorder=0.5, gid="ghost")
            ghost.stale = False  # it belongs to the background, below whatever stands still

    def resize(self, pixels):
        """From now on, that many pixels wide, for a screen of another density or a narrower page; False if it was so."""
        if pixels == int(self.figure.bbox.width):
            return False
        self.figure.set_dpi((pixels + 0.01) / self.figure.get_figwidth())  # a hair more: pixels are rounded down
        self._seen = None
        return True

    def fractions(self, axes, x, y):
        """Where (x, y) of some axes lies in the picture, [2], and the axes' own box: shares of it, from the top left."""
        width, height = self.figure.bbox.size
        across, up = axes.transData.transform((x, y))
        box = axes.bbox
        return np.array([across / width, 1 - up / height]), [
            box.x0 / width, 1 - box.y1 / height, box.x1 / width, 1 - box.y0 / height
        ]  # fmt: skip

    def values(self, axes, across, down):
        """The way back: (x, y) in the units of some axes, at shares of the picture from the top left.

        Beyond the axes, their edge: on a logarithmic scale what lies far outside is no number.
        """
        width, height = self.figure.bbox.size
        return axes.transData.inverted().transform(
            np.clip((across * width, (1 - down) * height), axes.bbox.min, axes.bbox.max)
        )

    @our_settings()
    def png(self):
        """Draw, and return the picture as PNG bytes."""
        self._blit()
        return _png(np.asarray(self._agg.buffer_rgba()))

    def _notice(self):
        """All (axes, artist) inside the axes; those that have changed since they were drawn belong to what moves."""
        artists = [(axes, artist) for axes in self.figure.axes for artist in _inside(axes)]
        self._moving.update(artist for _, artist in artists if artist.stale)
        return artists

    def _blit(self):
        artists = self._notice()
        for _, artist in artists:
            artist.set_animated(artist in self._moving)  # Matplotlib leaves animated artists out of a full draw
        seen = [_background_of(axes) for axes in self.figure.axes]
        seen.append([id(artist) for _, artist in artists if artist not in self._moving])
        if seen != self._seen:
            self._draw_background()
            self._seen = [*(_background_of(axes) for axes in self.figure.axes), seen[-1]]
        self._agg.restore_region(self._background)
        moving = [pair for pair in artists if pair[1] in self._moving]
        for axes, artist in sorted(moving, key=lambda pair: pair[1].get_zorder()):
            axes.draw_artist(artist)

    def _draw_background(self):
        if self._background is not None or not self._drawn_as_before():
            if self._background is None:
                self._lay_out()
            self._agg.draw()
        self._background = self._agg.copy_from_bbox(self.figure.bbox)

    def _lay_out(self):
        layout = self.figure.get_layout_engine()
        if layout and self.figure.axes:
            layout.execute(self.figure)  # by itself: a full draw would begin with it, and the rest be in vain
        self.figure.set_layout_engine("none")  # the layout is found once; it must not breathe with the ticks

    def _drawn_as_before(self):
        """Draw with the axes where they stood before `setup`, as to look for a layout takes longer than to draw. Whether
        that will do: it does unless a title or a label says something else, or has more to its left or below it."""
        layout, before = self.figure.get_layout_engine(), self._before
        if not before or len(before) != len(self.figure.axes):
            return False
        self.figure.set_layout_engine("none")
        for axes, (place, _, _) in zip(self.figure.axes, before, strict=True):
            axes.set_position(place)
            axes.set_in_layout(True)  # what is set by hand is else left out of a layout
        self._agg.draw()
        for (_, words, margin), (_, now, needed) in zip(before, self._stand(), strict=True):
            if words != now or np.any(np.subtract(margin, needed) > ROOM):
                self.figure.set_layout_engine(layout)
                return False
        return True

    def _stand(self):
        """Of each axes: where it stands, what title and labels say, and how far ticks reach to the left and down, in pixels."""
        return [
            (axes.get_position(), [text.get_text() for text in (axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label)],
             (axes.yaxis.label.get_position()[0], axes.xaxis.label.get_position()[1]))
            for axes in self.figure.axes
        ]  # fmt: skip


def _png(pixels):
    """PNG bytes of pixels [height, width, 4], uint8 (PNG specification, sections 5, 9 and 11.2).

    Written here because imaging libraries try five filters on every row, which takes longer than the drawing. In a
    plot most rows repeat the row above, so the filter "up" alone, the difference to it, does: a third of the time.
    """
    height, width, _ = pixels.shape
    flat = pixels.reshape(height, 4 * width)
    rows = np.empty((height, 1 + 4 * width), dtype=np.uint8)
    rows[:, 0] = 2  # the filter of each row: up
    rows[0, 1:] = flat[0]
    np.subtract(flat[1:], flat[:-1], out=rows[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)  # 8 bits, colour with alpha, no interlace
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _inside(axes):
    return [*axes.images, *axes.patches, *axes.artists, *axes.collections, *axes.lines, *axes.texts]


def _background_of(axes):
    """Everything whose change asks for a full draw."""
    legend = axes.get_legend()
    return (
        axes.get_xlim(), axes.get_ylim(), axes.get_xscale(), axes.get_yscale(), axes.get_title(), axes.get_title("left"),
        axes.get_xlabel(), axes.get_ylabel(), legend and [text.get_text() for text in legend.get_texts()],
        legend and [handle.get_color() for handle in legend.get_lines()],
    )  # fmt: skip
