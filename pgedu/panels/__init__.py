"""Panels: pictures that can be touched. The only room that imports ipywidgets and anywidget; of the rooms below, it imports `learning`."""

import pgedu.panels.quiet_import  # noqa: F401 - before anything else imports Matplotlib
from pgedu.panels.controls import choice, slider, switch
from pgedu.panels.live import explore, watch
from pgedu.panels.predict import predict

__all__ = ["choice", "explore", "predict", "slider", "switch", "watch"]
