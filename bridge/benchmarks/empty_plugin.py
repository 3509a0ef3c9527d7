"""A dockable plugin with an empty pane: the floor for `spyder_startup.py`."""

from __future__ import annotations

from typing import Any

from spyder.api.plugins import SpyderDockablePlugin
from spyder.api.widgets.main_widget import PluginMainWidget


class EmptyWidget(PluginMainWidget):
    def get_title(self) -> str:
        return "Empty"

    def setup(self) -> None:
        """Nothing."""

    def update_actions(self) -> None:
        """Nothing."""


class EmptyPlugin(SpyderDockablePlugin):
    NAME = "empty"
    WIDGET_CLASS = EmptyWidget
    CONF_SECTION = NAME
    CONF_FILE = False

    @staticmethod
    def get_name() -> str:
        return "Empty"

    @staticmethod
    def get_description() -> str:
        return "Does nothing."

    @classmethod
    def get_icon(cls) -> Any:
        return cls.create_icon("help")

    def on_initialize(self) -> None:
        """Nothing."""
