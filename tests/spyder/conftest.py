"""What every test of the plugin needs: a configuration of its own, and no screen."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Iterator

import pytest

if importlib.util.find_spec("spyder") is None:  # another environment's run of all tests
    collect_ignore_glob = ["*"]
else:
    # Both must be set before Spyder or Qt is imported.
    os.environ["SPYDER_PYTEST"] = "True"
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.setdefault("QTWEBENGINE_DISABLE_SANDBOX", "1")

    from qtpy import QtWebEngineWidgets  # noqa: F401  # before there is a QApplication


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    return ["Spyder", "--no-sandbox"]


@pytest.fixture(autouse=True, scope="session")
def _state_folder() -> Iterator[None]:
    """Share records and sockets of these tests are nobody else's. One for all: the bridge lives as long as Spyder."""
    with tempfile.TemporaryDirectory(prefix="ck-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COKERNEL_STATE_DIR", folder)
        yield
