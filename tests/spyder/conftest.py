"""What every test of the plugin needs: a configuration of its own, and no screen."""

from __future__ import annotations

import importlib.util
import os
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


@pytest.fixture(autouse=True)
def _state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Share records and sockets of a test are nobody else's. Short: sockets have short paths."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="ck-") as folder:
        before = os.environ.get("COKERNEL_STATE_DIR")
        os.environ["COKERNEL_STATE_DIR"] = folder
        yield
        if before is None:
            del os.environ["COKERNEL_STATE_DIR"]
        else:
            os.environ["COKERNEL_STATE_DIR"] = before
