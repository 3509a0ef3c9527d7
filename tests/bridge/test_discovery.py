"""Finding running kernels, with real ones."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cokernel.errors import Unknown, Untrusted
from cokernel.kernel.connection_files import (
    connection_files,
    find_connection_file,
    read_connection_file,
    runtime_folders,
)
from cokernel.kernel.discovery import discover
from cokernel.kernel.zmq import ZmqLink


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that is looked at."""
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    for name in ("XDG_DATA_HOME", "XDG_RUNTIME_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(folder))
    return folder


def test_a_file_that_vanishes_during_the_look_hides_no_other(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("kernel-1.json", "kernel-3.json"):
        (runtime / name).write_text("{}")
    monkeypatch.setattr(
        os, "listdir", lambda folder: ["kernel-1.json", "kernel-2.json", "kernel-3.json"]
    )
    assert {file.name for file in connection_files([runtime])} == {"kernel-1.json", "kernel-3.json"}


@contextmanager
def kernel(file: Path, *, cwd: Path, command: list[str] | None = None, **env: str) -> Iterator[int]:
    """A real kernel that answers on the ports of `file`; yields its pid."""
    started = subprocess.Popen(
        command or [sys.executable, "-m", "ipykernel_launcher", "-f", str(file)],
        cwd=cwd,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(file, started)
        asyncio.run(_prove(file, started.pid))
        yield started.pid
    finally:
        started.kill()
        started.wait(20)


def _wait_for(file: Path, process: subprocess.Popen[bytes]) -> None:
    while not file.exists() or not file.read_bytes().endswith(b"}"):
        assert process.poll() is None, "the kernel did not start"
        time.sleep(0.05)


async def _prove(file: Path, pid: int) -> None:
    link = ZmqLink(read_connection_file(file), connection_file=str(file), pid=pid)
    await link.connect(60)
    await link.close()


@pytest.mark.live
def test_running_kernel_is_found_with_its_process_and_folder(runtime: Path, tmp_path: Path) -> None:
    with kernel(runtime / "kernel-a.json", cwd=tmp_path) as pid:
        (found,) = discover().kernels
    assert (found.pid, found.folder) == (pid, str(tmp_path))
    assert found.connection_file == str(runtime / "kernel-a.json")
    assert found.title == f"IPython {pid}"
    assert not found.readable_by_others


@pytest.mark.live
def test_kernel_that_started_last_comes_first_and_is_named_by_its_notebook(
    runtime: Path, tmp_path: Path
) -> None:
    # Jupyter Server tells its kernels which notebook they belong to.
    notebook = "papers/analysis.ipynb"
    with (
        kernel(runtime / "kernel-a.json", cwd=tmp_path) as first,
        kernel(runtime / "kernel-b.json", cwd=tmp_path, JPY_SESSION_NAME=notebook) as second,
    ):
        found = discover().kernels
    assert [entry.pid for entry in found] == [second, first]
    assert found[0].title == "analysis.ipynb"


@pytest.mark.live
def test_kernel_inside_a_script_is_named_by_the_script(runtime: Path, tmp_path: Path) -> None:
    file = runtime / "kernel-script.json"
    script = tmp_path / "fit.py"
    script.write_text(
        f"import ipykernel.embed as e\ne.embed_kernel(connection_file={str(file)!r})\n"
    )
    with kernel(file, cwd=tmp_path, command=[sys.executable, str(script)]):
        assert [entry.title for entry in discover().kernels] == ["fit.py"]


@pytest.mark.live
def test_file_of_a_kernel_that_was_killed_is_stale(runtime: Path, tmp_path: Path) -> None:
    file = runtime / "kernel-a.json"
    with kernel(file, cwd=tmp_path):
        assert discover().stale == ()
    found = discover()
    assert (found.kernels, found.stale) == ((), (str(file),))


def test_files_that_others_may_have_written_are_refused(runtime: Path) -> None:
    loose = _connection_file(runtime / "kernel-loose.json", mode=0o666)
    link = runtime / "kernel-link.json"
    link.symlink_to(loose)
    refused = {file.path: file.why for file in discover().refused}
    assert set(refused) == {str(loose), str(link)}
    assert "Other users may write" in refused[str(loose)]
    assert "symbolic link" in refused[str(link)]


def test_a_file_with_other_json_is_no_connection_file(runtime: Path) -> None:
    file = runtime / "kernel-a.json"
    file.write_text('{"shell_port": "1"}')
    file.chmod(0o600)
    with pytest.raises(Untrusted, match="not a connection file"):
        read_connection_file(file)
    assert discover().stale == (str(file),)


def test_vs_codes_folder_is_looked_at_too(
    runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = tmp_path / "session" / "jupyter" / "runtime"
    session.mkdir(parents=True)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "session"))
    assert runtime_folders() == [runtime, session]


def test_a_part_of_the_name_is_enough_if_it_is_the_only_one(runtime: Path) -> None:
    one = _connection_file(runtime / "kernel-4711.json")
    _connection_file(runtime / "kernel-4712.json")
    assert find_connection_file("4711") == str(one)
    assert find_connection_file("kernel-4711.json") == str(one)
    assert find_connection_file(str(one)) == str(one)
    with pytest.raises(Unknown, match=r"kernel-4711\.json, kernel-4712\.json"):
        find_connection_file("471")
    with pytest.raises(Unknown, match="no connection file"):
        find_connection_file("99")


def _connection_file(file: Path, mode: int = 0o600) -> Path:
    ports = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
    file.write_text(json.dumps({**dict.fromkeys(ports, 1), "key": "k", "ip": "127.0.0.1"}))
    file.chmod(mode)
    return file
