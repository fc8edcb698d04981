"""Turns: whatever the controls of a panel cause, one after the other, on the one loop that owns the panel.

Kernels may hand a control's messages over on a thread of their own (subshells), while a playing panel advances on the
main one.
"""

import asyncio
import logging
import threading


class Turns:
    """Acts for one panel, in order; never two at a time, and never on another thread.

    The owner is the asyncio loop that runs where the panel is made. What happens on its thread is acted on at once;
    what happens elsewhere, or in the middle of a turn, waits, and the loop is woken. Without a loop (a plain script)
    everything is acted on at once. There are no locks: every access to what waits is one operation of a dict.
    """

    def __init__(self):
        self.closed, self._busy = False, False
        self._waiting, self._clicks = {}, 0  # (name, clicks before) -> act
        self.loop = None
        self.settle()

    def settle(self):
        """The loop that runs here becomes the owner, unless there is one already."""
        if self.loop is None or self.loop.is_closed():
            self._thread = threading.get_ident()
            try:
                self.loop = asyncio.get_running_loop()
            except RuntimeError:
                self.loop = None

    def click(self, act):
        """Each click counts, and nothing that was moved after it overtakes it."""
        if not self.closed:
            self._clicks += 1
            self._put(("click", self._clicks), act)

    def change(self, name, act):
        """Of the positions of one control that wait for the same turn, only the newest is acted on."""
        if not self.closed:
            self._put((name, self._clicks), act)

    def close(self, act):
        """The last turn; what waits is dropped."""
        if not self.closed:
            self.closed = True
            self._waiting.clear()
            self._put("close", act)

    def take(self, act):
        """A turn: nothing else happens before `act` has returned, and then whatever had to wait for it."""
        self._busy = True
        try:
            return act()
        finally:
            self._busy = False
            self.catch_up()

    def catch_up(self):
        """Act on what waits, oldest first. Nobody is left to raise an exception to: it is logged."""
        while self._waiting and not self._busy:
            self._busy = True
            try:
                for key in list(self._waiting)[:1]:
                    self._waiting.pop(key, _nothing)()
            except Exception:
                logging.getLogger(__name__).exception("A control of a panel did not work.")
            finally:
                self._busy = False

    def _put(self, key, act):
        elsewhere = self.loop is not None and not self.loop.is_closed() and threading.get_ident() != self._thread
        if not (elsewhere or self._busy):
            self.catch_up()  # what came before
            self.take(act)
            return
        self._waiting.pop(key, None)  # a position that nobody has acted on yet
        self._waiting[key] = act
        if elsewhere:
            self.loop.call_soon_threadsafe(self.catch_up)


def _nothing():
    pass
