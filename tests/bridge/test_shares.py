"""Share records through their public face: publish, find, expire, choose."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cokernel import shares
from cokernel.errors import BadRequest
from cokernel.shares.remains import sweep
from tests.support.records import make_record


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(folder))
    return folder


def test_a_published_share_is_found_as_it_was_described():
    record = make_record(workspaces=["/home/ada/project"], kernel_pid=4711)
    shares.publish(record)
    assert shares.list_shares() == [record]


def test_a_withdrawn_share_is_gone_and_withdrawing_twice_is_fine():
    record = make_record()
    shares.publish(record)
    shares.withdraw(record.share)
    shares.withdraw(record.share)
    assert shares.list_shares() == []


def test_without_a_state_folder_there_are_no_shares(state: Path):
    assert shares.list_shares() == []
    assert not state.exists()


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_folder_that_cannot_be_read_is_reported_and_ends_nobodys_look(state: Path):
    state.mkdir(mode=0o700)
    (state / "shares").symlink_to("shares")
    scan = shares.scan_shares()
    assert scan.records == ()
    assert [refused.path for refused in scan.refused] == [str(state / "shares")]


def test_files_are_0600_in_folders_of_0700(state: Path):
    path = Path(shares.publish(make_record()))
    address = Path(shares.new_socket_path())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (state, path.parent, address.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_publishing_again_replaces_the_file_in_one_step():
    record = make_record(title="Console 1/A")
    path = shares.publish(record)
    with open(path, "rb") as reader:
        shares.publish(record._replace(title="Console 2/A"))
        assert json.load(reader)["title"] == "Console 1/A"
    assert shares.list_shares()[0].title == "Console 2/A"
    assert os.listdir(os.path.dirname(path)) == [f"{record.share}.json"]


def test_a_write_that_fails_leaves_the_old_record(monkeypatch: pytest.MonkeyPatch):
    record = make_record(title="before")
    path = shares.publish(record)

    def disk_full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space"):
        shares.publish(record._replace(title="after"))
    assert shares.list_shares() == [record]
    assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]


def test_the_share_that_was_used_last_comes_first():
    old, new = make_record(used=1.0), make_record(used=2.0)
    shares.publish(old)
    shares.publish(new)
    assert [r.share for r in shares.list_shares()] == [new.share, old.share]
    shares.publish(old._replace(used=3.0))
    assert [r.share for r in shares.list_shares()] == [old.share, new.share]


def test_the_record_and_the_socket_of_a_dead_bridge_are_removed():
    bridge = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    socket_path = shares.new_socket_path()
    _bind_and_forget(socket_path)
    record = make_record(
        bridge_pid=int(bridge.stdout), endpoint=shares.Endpoint("unix", socket_path)
    )
    path = shares.publish(record)
    assert shares.scan_shares().removed == 1
    assert not os.path.exists(path)
    assert not os.path.exists(socket_path)


def test_a_reused_pid_is_not_taken_for_the_bridge():
    record = make_record(bridge_started=shares.start_time(os.getpid()) + 10)
    path = shares.publish(record)
    assert shares.list_shares() == []
    assert not os.path.exists(path)


def test_a_zombie_is_a_dead_bridge():
    bridge = subprocess.Popen([sys.executable, "-c", ""])
    try:
        os.waitid(os.P_PID, bridge.pid, os.WEXITED | os.WNOWAIT)
        assert shares.presence(bridge.pid, 0.0) is shares.Presence.GONE
    finally:
        bridge.wait()


def test_records_of_another_boot_are_skipped_and_kept():
    path = shares.publish(make_record(boot="elsewhere", bridge_pid=2**31 - 1))
    scan = shares.scan_shares()
    assert (scan.records, scan.elsewhere, scan.removed) == ((), 1, 0)
    assert os.path.exists(path)


def test_where_boots_have_no_id_records_of_another_host_are_skipped_and_kept(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("cokernel.shares.store.boot_id", lambda: "")
    path = shares.publish(make_record(bridge_pid=2**31 - 1))
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    scan = shares.scan_shares()
    assert (scan.records, scan.elsewhere, scan.removed) == ((), 1, 0)
    assert os.path.exists(path)


@pytest.mark.skipif(not shares.boot_id(), reason="boots have no id here")
def test_a_share_is_found_when_the_machine_has_got_another_name(monkeypatch: pytest.MonkeyPatch):
    record = make_record()
    shares.publish(record)
    monkeypatch.setattr(socket, "gethostname", lambda: "in-another-network")
    assert shares.list_shares() == [record]
    shares.publish(record)
    assert shares.list_shares()[0].host == "in-another-network"


def test_a_boot_keeps_its_id():
    assert shares.boot_id() == shares.boot_id()
    assert shares.boot_id() or sys.platform == "win32"


def test_a_socket_path_is_short_even_if_the_state_folder_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(tmp_path / ("x" * 120)))
    path = shares.new_socket_path()
    folder = os.stat(os.path.dirname(path))
    assert len(path) <= 100
    assert (stat.S_IMODE(folder.st_mode), folder.st_uid) == (0o700, os.geteuid())


def test_a_token_shows_in_no_repr():
    record = make_record()
    token = record.token.reveal()
    assert token not in f"{record} {record!r} {record.token} {record.token!r}"
    with pytest.raises(TypeError):
        json.dumps(record.token)


@pytest.mark.parametrize("field", ["title", "ide"])
@pytest.mark.parametrize(
    ("name", "shown"),
    [("a\n\x1b[31mb", "a [31mb"), ("a\u2028b\udcff", "a b"), ("x" * 5000, "x" * 200)],
)
def test_a_name_that_cannot_be_shown_is_cleaned_also_when_it_changes(
    field: str, name: str, shown: str
):
    record = make_record(**{field: name})
    shares.publish(record)
    assert getattr(shares.list_shares()[0], field) == shown
    shares.publish(record._replace(**{field: "plain"}))
    shares.publish(record._replace(**{field: name}))
    assert getattr(shares.list_shares()[0], field) == shown


@pytest.mark.parametrize("share", ["", "../evil", "UPPER", "a/b", "x" * 65, "a\n"])
def test_a_share_id_that_is_no_file_name_is_refused(share: str):
    with pytest.raises(BadRequest):
        shares.publish(make_record(share=share))


def test_a_new_share_id_tells_its_ide():
    first, second = shares.new_share_id("VS Code"), shares.new_share_id("VS Code")
    assert first.startswith("vs-code-")
    assert first != second


class TestChoose:
    def test_nothing_shared_is_no_choice(self):
        assert shares.choose([], "/home/ada") is None

    def test_a_single_share_is_taken_from_anywhere(self):
        record = make_record(workspaces=["/home/ada/other"])
        assert shares.choose([record], "/home/ada/project") == record

    def test_the_share_whose_workspace_holds_the_folder_wins(self):
        here = make_record(workspaces=["/home/ada/project"], used=1)
        there = make_record(workspaces=["/home/ada/proj"], used=2)
        assert shares.choose([there, here], "/home/ada/project/src") == here

    def test_the_longest_workspace_wins_over_the_latest_use(self):
        inner = make_record(workspaces=["/home/ada", "/home/ada/project/sub"], used=1)
        outer = make_record(workspaces=["/home/ada/project"], used=2)
        assert shares.choose([outer, inner], "/home/ada/project/sub/x") == inner

    def test_of_equal_workspaces_the_latest_used_wins(self):
        old = make_record(workspaces=["/p"], used=1)
        new = make_record(workspaces=["/p/"], used=2)
        assert shares.choose([old, new], "/p") == new

    def test_several_shares_of_other_folders_are_ambiguous(self):
        records = (make_record(workspaces=["/a"]), make_record(workspaces=["/b"]))
        assert shares.choose(records, "/c") == shares.Ambiguous(records)

    def test_the_root_folder_as_a_workspace_holds_everything(self):
        everywhere, other = make_record(workspaces=["/"]), make_record()
        assert shares.choose([other, everywhere], "/c") == everywhere

    @pytest.mark.parametrize(
        "name", ["spyder-1", "Console 1/A", "console 1/a · spyder", "/run/k.json", "k.json"]
    )
    def test_an_explicit_choice_goes_by_id_title_or_connection_file(self, name: str):
        wanted = make_record(share="spyder-1", title="Console 1/A", connection_file="/run/k.json")
        near = make_record(title="Console 2/A", workspaces=["/p"])
        assert shares.choose([near, wanted], "/p", name) == wanted

    def test_an_explicit_choice_that_is_not_there_is_never_replaced(self):
        assert shares.choose([make_record(workspaces=["/p"])], "/p", "spyder-gone") is None

    def test_an_explicit_title_that_two_shares_have_is_ambiguous(self):
        records = [make_record(title="Console 1/A"), make_record(title="Console 1/A")]
        assert isinstance(shares.choose(records, "/p", "Console 1/A"), shares.Ambiguous)


def _bind_and_forget(path: str) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)


@pytest.mark.skipif(os.name == "nt", reason="there are no Unix sockets")
def test_sockets_that_nobody_listens_on_any_more_are_swept(tmp_path: Path):
    paths = [shares.new_socket_path() for _ in range(4)]
    living, dead, young, linked = paths
    precious = tmp_path / "precious"
    precious.write_text("mine")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(living)
        listener.listen()
        for path in (dead, young):
            with socket.socket(socket.AF_UNIX) as left:
                left.bind(path)
        os.symlink(precious, linked)
        for path in (living, dead, precious):
            os.utime(path, (1, 1))
        assert sweep() == 1
    assert [os.path.lexists(path) for path in paths] == [True, False, True, True]


@pytest.mark.skipif(os.name == "nt", reason="nothing is swept there")
def test_half_written_records_are_swept_once_they_are_old():
    folder = Path(shares.publish(make_record())).parent
    for name in ("a.json.0123.tmp", "b.json.4567.tmp"):
        (folder / name).write_text("{}")
    os.utime(folder / "a.json.0123.tmp", (1, 1))
    assert sweep() == 1
    assert [p.name for p in folder.glob("*.tmp")] == ["b.json.4567.tmp"]
    assert len(shares.list_shares()) == 1
