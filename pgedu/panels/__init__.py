"""Panels: pictures that can be touched. The only room that imports ipywidgets; of the rooms below, it imports `learning`."""

from pgedu.panels.controls import choice, slider, switch
from pgedu.panels.live import explore, watch

__all__ = ["choice", "explore", "slider", "switch", "watch"]
