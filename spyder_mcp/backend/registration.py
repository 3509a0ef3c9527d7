"""Registers cokernel with Claude Code, through `cokernel setup`, in a process of its own."""

from __future__ import annotations

import sys

from qtpy.QtCore import QObject, QProcess, Signal

from spyder_mcp.translation import _

SETUP = ("-m", "cokernel", "setup", "claude-code")


class Registration(QObject):
    """One request at a time.

    Signals
    -------
    sig_command_known(str)
        The exact command that registers cokernel, as one types it in a terminal.
    sig_registered(bool, str)
        Whether it was done, and what the command said.
    """

    sig_command_known = Signal(str)
    sig_registered = Signal(bool, str)

    def ask_command(self) -> None:
        """`sig_command_known` follows. Nothing is changed."""
        self._run("--dry-run", self._take_command)

    def register(self) -> None:
        """Change the client's settings: only after the person agreed. `sig_registered` follows."""
        self._run("--yes", self._take_outcome)

    def _run(self, option: str, finished: object) -> None:
        process = QProcess(self)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.finished.connect(lambda: self._finish(process, finished))
        process.errorOccurred.connect(lambda _error: self._fail(process))
        process.start(sys.executable, [*SETUP, option])

    def _finish(self, process: QProcess, finished: object) -> None:
        said = bytes(process.readAll()).decode("utf-8", "replace").strip()
        succeeded = (
            process.exitStatus() == QProcess.ExitStatus.NormalExit and process.exitCode() == 0
        )
        process.deleteLater()
        assert callable(finished)
        finished(succeeded, said)

    def _fail(self, process: QProcess) -> None:
        if process.error() == QProcess.ProcessError.FailedToStart:
            process.deleteLater()
            self.sig_registered.emit(False, process.errorString())

    def _take_command(self, succeeded: bool, said: str) -> None:
        if succeeded:
            self.sig_command_known.emit(said)
        else:
            self.sig_registered.emit(False, said)

    def _take_outcome(self, succeeded: bool, said: str) -> None:
        self.sig_registered.emit(succeeded, said or _("The command ended without a word."))
