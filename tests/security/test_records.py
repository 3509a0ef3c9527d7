"""Nobody else's files are believed, and nobody else can read ours."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cokernel import shares
from cokernel.errors import BadRequest, Untrusted
from cokernel.kernel.connection_files import PORTS, read_connection_file
from cokernel.shares.record import ShareRecord, decode, encode
from tests.support.other_user import needs_root, public_folder, run_as_nobody
from tests.support.records import make_record, write_private

grp = pytest.importorskip("grp", reason="owners and modes are POSIX's")
pwd = pytest.importorskip("pwd", reason="owners and modes are POSIX's")
NOBODY = 65534


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(folder))
    return folder


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    path = tmp_path / "file.json"
    write_private(str(path), b'{"key": 1}')
    return path


class TestFilesThatAreNotBelieved:
    def test_a_file_of_our_own_is(self, trusted: Path):
        found = shares.open_trusted_json(trusted)
        assert (found.data, found.readable_by_others) == ({"key": 1}, False)

    def test_a_symbolic_link(self, trusted: Path):
        link = trusted.with_name("link.json")
        link.symlink_to(trusted)
        with pytest.raises(Untrusted, match="symbolic link"):
            shares.open_trusted_json(link)

    def test_a_symbolic_link_that_takes_the_files_place_in_between(
        self, trusted: Path, monkeypatch: pytest.MonkeyPatch
    ):
        link = trusted.with_name("link.json")
        link.symlink_to(trusted)
        monkeypatch.setattr(os.path, "islink", lambda path: False)
        with pytest.raises(OSError, match="symbolic links"):
            shares.open_trusted_json(link)

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o601])
    def test_a_file_that_others_may_read(self, trusted: Path, mode: int):
        trusted.chmod(mode)
        with pytest.raises(Untrusted, match="may read"):
            shares.open_trusted_json(trusted)

    def test_unless_that_is_asked_for_and_then_it_is_reported(self, trusted: Path):
        trusted.chmod(0o644)
        assert shares.open_trusted_json(trusted, allow_readable=True).readable_by_others

    @needs_root
    @pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
    def test_a_file_that_others_may_write_in_any_case(self, mode: int):
        with public_folder() as folder:
            path = folder / "file.json"
            write_private(str(path), b"{}")
            os.chown(path, -1, NOBODY)
            path.chmod(mode)
            with pytest.raises(Untrusted, match="may write"):
                shares.open_trusted_json(path, allow_readable=True)

    @needs_root
    def test_a_file_of_another_user(self, trusted: Path):
        os.chown(trusted, NOBODY, NOBODY)
        with pytest.raises(Untrusted, match="another user"):
            shares.open_trusted_json(trusted)

    def test_a_fifo_which_is_not_waited_for(self, tmp_path: Path):
        os.mkfifo(tmp_path / "fifo", 0o600)
        with pytest.raises(Untrusted, match="not a regular file"):
            shares.open_trusted_json(tmp_path / "fifo")

    def test_a_folder(self, tmp_path: Path):
        with pytest.raises((Untrusted, OSError)):
            shares.open_trusted_json(tmp_path)

    def test_a_file_that_is_too_large(self, trusted: Path):
        write_private(str(trusted), b'{"a": "' + b"x" * 65536 + b'"}')
        with pytest.raises(Untrusted, match="larger"):
            shares.open_trusted_json(trusted)

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"1", b"\xff", b"[" * 60_000])
    def test_a_file_that_is_not_a_json_object(self, trusted: Path, content: bytes):
        write_private(str(trusted), content)
        with pytest.raises(Untrusted, match="JSON"):
            shares.open_trusted_json(trusted)

    @needs_root
    @pytest.mark.parametrize("mode", [0o777, 0o775, 0o770, 0o722])
    def test_a_file_in_a_folder_that_others_may_write(self, mode: int):
        with public_folder() as home:
            folder = home / "open"
            inner = folder / "inner"
            inner.mkdir(parents=True)
            write_private(str(inner / "file.json"), b"{}")
            os.chown(folder, -1, NOBODY)
            folder.chmod(mode)
            with pytest.raises(Untrusted, match="may write the folder"):
                shares.open_trusted_json(inner / "file.json")

    def test_unless_the_folder_is_sticky_as_tmp(self, tmp_path: Path):
        folder = tmp_path / "sticky"
        folder.mkdir()
        folder.chmod(0o1777)
        write_private(str(folder / "file.json"), b"{}")
        assert shares.open_trusted_json(folder / "file.json").data == {}

    @needs_root
    def test_a_file_in_a_folder_of_another_user(self, tmp_path: Path):
        folder = tmp_path / "theirs"
        folder.mkdir()
        write_private(str(folder / "file.json"), b"{}")
        os.chown(folder, NOBODY, NOBODY)
        with pytest.raises(Untrusted, match="belongs to another user"):
            shares.open_trusted_json(folder / "file.json")

    @needs_root
    def test_a_file_reached_through_a_folder_link_of_another_user(self, tmp_path: Path):
        real = tmp_path / "real"
        real.mkdir()
        write_private(str(real / "file.json"), b"{}")
        link = tmp_path / "link"
        link.symlink_to(real)
        assert shares.open_trusted_json(link / "file.json").data == {}
        os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
        with pytest.raises(Untrusted, match="belongs to another user"):
            shares.open_trusted_json(link / "file.json")


class TestFoldersOfOurs:
    def test_a_loose_folder_is_closed(self, state: Path):
        state.mkdir(mode=0o755)
        shares.publish(make_record())
        assert stat.S_IMODE(state.stat().st_mode) == 0o700

    def test_a_folder_that_others_may_write_is_not_used(self, state: Path):
        state.mkdir()
        state.chmod(0o777)
        with pytest.raises(Untrusted):
            shares.publish(make_record())
        with pytest.raises(Untrusted):
            shares.new_socket_path()

    def test_a_link_in_place_of_the_folder_is_not_used(self, state: Path, tmp_path: Path):
        (tmp_path / "elsewhere").mkdir()
        state.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(Untrusted):
            shares.publish(make_record())

    def test_a_link_in_place_of_a_record_is_replaced_not_followed(self, tmp_path: Path):
        record = make_record()
        path = Path(shares.publish(record))
        target = tmp_path / "target"
        target.write_text("precious")
        path.unlink()
        path.symlink_to(target)
        shares.publish(record)
        assert target.read_text() == "precious"
        assert not path.is_symlink()

    def test_the_umask_does_not_matter(self):
        before = os.umask(0)
        try:
            path = shares.publish(make_record())
        finally:
            os.umask(before)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


@pytest.fixture
def umask_002() -> Iterator[None]:
    """As Red Hat has it, where each user has a group of their own."""
    before = os.umask(0o002)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask_002")
class TestWhereTheGroupMayWrite:
    def test_an_empty_home_is_enough_to_share_from(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.delenv("COKERNEL_STATE_DIR")
        monkeypatch.delenv("XDG_STATE_HOME", raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        folder = Path(shares.new_socket_path()).parent
        made = [one for one in (folder, *folder.parents) if one.is_relative_to(tmp_path)][:-1]
        assert {one.name: stat.S_IMODE(one.stat().st_mode) for one in made} == dict.fromkeys(
            [one.name for one in made], 0o700
        )
        shares.publish(make_record())

    @needs_root
    @pytest.mark.parametrize("closed", [True, False])
    def test_nobody_writes_where_nobody_gets_to(self, closed: bool):
        with public_folder() as home:
            home.chmod(0o700 if closed else 0o755)
            path = connection_file_below(home)
            os.chown(path.parent.parent, -1, NOBODY)
            if closed:
                assert read_connection_file(path)
            else:
                with pytest.raises(Untrusted, match="may write the folder"):
                    read_connection_file(path)

    @needs_root
    def test_a_closed_folder_on_the_named_way_does_not_vouch_for_the_real_one(self, tmp_path: Path):
        with public_folder() as home:
            path = connection_file_below(home)
            os.chown(path.parent.parent, -1, NOBODY)
            (tmp_path / "link").symlink_to(path.parent)
            with pytest.raises(Untrusted, match="may write the folder"):
                read_connection_file(tmp_path / "link" / path.name)

    def test_a_group_of_ours_alone_may_write(self, monkeypatch: pytest.MonkeyPatch):
        pretend_accounts(monkeypatch)
        with public_folder() as home:
            path = connection_file_below(home)
            path.chmod(0o664)
            assert read_connection_file(path)

    @pytest.mark.parametrize(
        "changed",
        [
            {"group": "users"},
            {"members": ["ada", "eve"]},
            {"others": [("eve", 4711, os.getegid())]},
            {"own_gid": 4711},
        ],
        ids=["another name", "a second member", "an account of that group", "not our first group"],
    )
    def test_a_group_with_others_in_it_may_not(
        self, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
    ):
        pretend_accounts(monkeypatch, **changed)
        with public_folder() as home, pytest.raises(Untrusted, match="may write the folder"):
            read_connection_file(connection_file_below(home))

    def test_an_access_list_that_names_another_user_counts(self, monkeypatch: pytest.MonkeyPatch):
        pretend_accounts(monkeypatch)
        with public_folder() as home:
            path = connection_file_below(home)
            let_nobody_write(path.parent.parent)
            with pytest.raises(Untrusted, match="may write the folder"):
                read_connection_file(path)


def connection_file_below(home: Path) -> Path:
    """Where Jupyter has it, in folders as the umask makes them, but for the last one."""
    runtime = home / "jupyter" / "runtime"
    runtime.parent.mkdir(parents=True)
    runtime.mkdir(mode=0o700)
    path = runtime / "kernel-1.json"
    write_private(str(path), json.dumps(dict.fromkeys(PORTS, 1)).encode())
    for one in (path, runtime, runtime.parent):
        os.chown(one, -1, os.getegid())  # macOS gives them the group of the folder above
    return path


def pretend_accounts(
    monkeypatch: pytest.MonkeyPatch,
    *,
    group: str = "ada",
    members: Sequence[str] = (),
    own_gid: int | None = None,
    others: Sequence[tuple[str, int, int]] = (),
) -> None:
    """We are ada, whose group is the one of the folders that are made here."""
    gid = os.getegid() if own_gid is None else own_gid

    def account(name: str, uid: int, gid: int) -> Any:
        return pwd.struct_passwd((name, "x", uid, gid, "", "/", "/bin/sh"))

    ada = account("ada", os.geteuid(), gid)
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: ada)
    monkeypatch.setattr(pwd, "getpwall", lambda: [ada, *(account(*one) for one in others)])
    monkeypatch.setattr(grp, "getgrgid", lambda gid: grp.struct_group((group, "x", gid, members)))


def let_nobody_write(folder: Path) -> None:
    """As `setfacl -m u:nobody:rwx`: the mode keeps saying 0775. Skips where there are no access lists."""
    entries = [(0x01, 7, -1), (0x02, 7, NOBODY), (0x04, 7, -1), (0x10, 7, -1), (0x20, 5, -1)]
    packed = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    try:
        os.setxattr(folder, "system.posix_acl_access", packed)
    except (AttributeError, OSError):
        pytest.skip("no access lists here")


class TestForgedRecords:
    def test_records_that_must_not_be_believed_are_reported_and_left_alone(self, state: Path):
        good = make_record()
        folder = Path(shares.publish(good)).parent
        (folder / "loose.json").write_bytes(encode(make_record(share="loose")))
        (folder / "loose.json").chmod(0o644)
        (folder / "link.json").symlink_to(folder / f"{good.share}.json")
        os.mkfifo(folder / "fifo.json", 0o600)
        write_private(str(folder / "garbage.json"), b"\x00")
        write_private(str(folder / "renamed.json"), encode(good))
        scan = shares.scan_shares()
        assert scan.records == (good,)
        names = sorted(os.path.basename(refused.path) for refused in scan.refused)
        assert names == ["fifo.json", "garbage.json", "link.json", "loose.json", "renamed.json"]
        assert (folder / "garbage.json").exists()

    def test_a_dead_record_does_not_make_us_remove_a_socket_that_is_not_ours(self, tmp_path: Path):
        import socket

        path = str(tmp_path / "someones")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            record = make_record(bridge_pid=2**31 - 1, endpoint=shares.Endpoint("unix", path))
            shares.publish(record)
            assert shares.scan_shares().removed == 1
            assert os.path.exists(path)

    @pytest.mark.parametrize(
        "address",
        ["10.0.0.1:80", "0.0.0.0:80", "127.0.0.1", "127.0.0.1:0", "localhost:1", "127.0.0.1:1x"],
    )
    def test_a_tcp_endpoint_is_on_this_machine(self, address: str):
        with pytest.raises(BadRequest):
            shares.publish(make_record(endpoint=shares.Endpoint("tcp", address)))


TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@relaxed
@given(
    title=TEXT,
    ide=TEXT,
    kernel_pid=st.none() | st.integers(1, 2**31 - 1),
    workspaces=st.lists(TEXT, max_size=5),
    used=st.floats(0, 1e11),
)
def test_a_record_is_read_as_it_was_written(**fields: object):
    record = make_record(**fields)
    assert decode(json.loads(encode(record))) == record


@relaxed
@given(field=st.sampled_from(["schema", *ShareRecord._fields]), value=JSON)
def test_a_field_with_anything_in_it_is_read_or_refused(field: str, value: object):
    data = json.loads(encode(make_record()))
    data[field] = value
    with contextlib.suppress(Untrusted):
        assert isinstance(decode(data), ShareRecord)


@pytest.mark.parametrize("field", ["schema", *ShareRecord._fields])
def test_a_field_that_is_missing_makes_a_record_untrusted(field: str):
    data = json.loads(encode(make_record()))
    del data[field]
    if field == "kernel_pid":
        assert decode(data).kernel_pid is None
        return
    with pytest.raises(Untrusted):
        decode(data)


@needs_root
def test_another_user_can_neither_list_nor_read_records(monkeypatch: pytest.MonkeyPatch):
    with public_folder() as home:
        monkeypatch.setenv("COKERNEL_STATE_DIR", str(home / "state"))
        path = shares.publish(make_record())
        folder = os.path.dirname(path)
        outcome = run_as_nobody(
            f"""
            for action in (
                lambda: os.listdir({str(home)!r}),
                lambda: os.listdir({str(home / "state")!r}),
                lambda: os.listdir({folder!r}),
                lambda: open({path!r}).read(),
                lambda: os.unlink({path!r}),
                lambda: open({folder!r} + "/forged.json", "w"),
            ):
                try:
                    action()
                    print("could")
                except PermissionError:
                    print("denied")
            """
        )
    assert outcome.split() == ["could", *["denied"] * 5]
