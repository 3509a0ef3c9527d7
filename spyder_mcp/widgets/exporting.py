"""Export as notebook, export as script: asks for the file and says what went wrong."""

from __future__ import annotations

from pathlib import Path

from qtpy.compat import getsavefilename

from spyder_mcp.backend import export
from spyder_mcp.translation import _
from spyder_mcp.widgets.calls_model import key_of
from spyder_mcp.widgets.pane import ClaudePane


class Exporting:
    """Of the calls that the pane has."""

    def __init__(self, pane: ClaudePane) -> None:
        self._pane = pane

    def save_notebook(self) -> None:
        calls = self._pane.model.calls()
        text = export.as_notebook(calls, lambda call: self._pane.outputs(key_of(call)))
        self._save(_("Export as notebook"), _("Notebooks (*.ipynb)"), ".ipynb", text)

    def save_script(self) -> None:
        text = export.as_script(self._pane.model.calls())
        self._save(_("Export as script"), _("Python files (*.py)"), ".py", text)

    def _save(self, title: str, kinds: str, suffix: str, text: str) -> None:
        chosen, _kind = getsavefilename(self._pane, title, f"claude{suffix}", kinds)
        if not chosen:
            return
        try:
            export.write(Path(chosen).with_suffix(suffix), text)
        except OSError as error:
            self._pane.message.say(_("It was not written: {}").format(error))
