"""What waits for a modem that has another name now: moved to its outbox, whenever the machine stops."""

import linecache
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from sim7020_bridge.errors import StorageFailed
from sim7020_bridge.outbox import moving
from sim7020_bridge.outbox.database import connect
from sim7020_bridge.outbox.message import Origin, PendingKind, PendingPublication
from sim7020_bridge.outbox.passing_time import PassingTime
from sim7020_bridge.outbox.records import REMEMBERED
from sim7020_bridge.outbox.shell import OutboxFile, Waiting, orphans
from tests.bridge.outbox.desk import Desk, message


def moved(old: Path, new: Path, desk: Desk) -> Sequence[str]:
    """Do what the command line does once it has looked at the names; return the ids that are in the way."""
    source, target = OutboxFile(old, "shed"), OutboxFile(new, "shed")
    with source.taken() as old_database, target.taken() as database:
        known = moving.move(old_database, database, lambda: PassingTime(desk.machine.clocks()))
        if not known:
            source.delete()
    return known


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return the directory of the outbox that is moved."""
    return tmp_path / "old"


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Return the directory of the outbox that takes it over."""
    return tmp_path / "new"


async def filled(directory: Path, *names: str, ttl: float | None = None) -> Desk:
    """Return an outbox with messages, taken a minute after another, and a receipt; it is closed."""
    desk = Desk(directory)
    await desk.outbox.load()
    for name in names:
        desk.put(name, ttl=ttl)
        await desk.written()
        desk.machine.pass_by(60)
    await desk.outbox.keep([PendingPublication(PendingKind.RECEIPT, "receipt", f"of {names[0]}".encode())])
    await desk.outbox.close()
    return desk


async def test_to_a_modem_that_has_never_run(old: Path, new: Path) -> None:
    """All is there, as old as it was: what has a time to live left goes when that is over; ids stay known."""
    desk = await filled(old, "m1", "m2", ttl=300)
    assert OutboxFile(old, "shed").cancel([2]).done is False
    moved(old, new, desk)
    assert not OutboxFile(old, "shed").exists()
    later = Desk(new)
    later.machine = desk.machine
    await later.again()
    assert later.waiting() == ["m1"]
    await later.written()
    assert later.pending() == ["of m1", "m2 cancelled"]
    entry = later.outbox.queue.first("a")
    assert entry is not None
    assert later.outbox.age(entry) == pytest.approx(120, abs=1)
    later.put("m1")
    later.put("m3")
    await later.written()
    assert later.taken == [("m1", False), ("m3", True)]
    assert later.waiting() == ["m1", "m3"]
    await later.outbox.close()


@pytest.mark.parametrize("session", ["old's", "its own"])
async def test_what_the_broker_brings_again(old: Path, new: Path, session: str) -> None:
    """A modem that keeps its client identifier goes on with the session; one with another has its own packets."""
    desk = Desk(old)
    await desk.outbox.load()
    desk.put("m1", origin=Origin(7, b"digest", duplicate=False))
    await desk.written()
    await desk.outbox.close()
    if session == "its own":
        there = Desk(new)
        await there.outbox.load()
        await there.outbox.close()
    moved(old, new, desk)
    later = Desk(new)
    later.machine = desk.machine
    await later.again()
    later.put("m3", origin=Origin(7, b"digest", duplicate=True))
    await later.written()
    assert later.taken == [("m3", session == "its own")]
    await later.outbox.close()


async def test_to_a_modem_that_has_messages(old: Path, new: Path) -> None:
    """They stand in the order of their ages, whatever the outboxes' own times; of a key the latest counts."""
    desk = await filled(new, "n0")
    other = Desk(old)
    other.machine = desk.machine
    desk.machine.pass_by(5000)
    await other.again()
    other.put("o1", key="k")
    await other.written()
    desk.machine.pass_by(60)
    await desk.again()
    desk.put("n2", key="k")
    await desk.written()
    desk.machine.pass_by(60)
    other.put("o3")
    await other.written()
    await other.outbox.close()
    await desk.outbox.close()
    OutboxFile(new, "shed").cancel([1])
    moved(old, new, desk)
    await desk.again()
    assert desk.waiting() == ["n2", "o3"]
    await desk.written()
    assert sorted(desk.pending()) == ["n0 cancelled", "o1 superseded", "of n0"]
    desk.put("n4")
    await desk.written()
    assert desk.waiting() == ["n2", "o3", "n4"]
    await desk.outbox.close()


@pytest.mark.parametrize("there", ["waits", "is to be cancelled", "ended"])
@pytest.mark.parametrize("coming", ["waits", "is to be cancelled"])
async def test_an_id_that_is_known_there(old: Path, new: Path, there: str, coming: str) -> None:
    """It would have two ends: nothing is moved, until the other is forgotten; those of other sockets are others."""
    desk = await filled(new, "n1")
    await desk.again()
    desk.put("m2")
    desk.put("m1", socket="b")
    await desk.written()
    if there == "ended":
        assert [desk.send(), desk.send()] == ["n1", "m2"]
        await desk.written()
    await desk.outbox.close()
    if there == "is to be cancelled":
        OutboxFile(new, "shed").cancel([2])
    other = await filled(old, "m1", "m2")
    if coming == "is to be cancelled":
        OutboxFile(old, "shed").cancel([2])
    before = list(held(new))
    assert moved(old, new, desk) == ["m2"]
    assert list(held(old)) == ["m1", "m2", "of m1"]
    assert list(held(new)) == before
    for each in (desk, other):
        each.machine.pass_by(REMEMBERED)
    assert moved(old, new, desk) == (() if there == "ended" else ["m2"])


async def test_beside_another_program(old: Path, new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is moved while another program reads: then the commit would not be one of both files."""
    desk = await filled(old, "m1")
    monkeypatch.setattr("sim7020_bridge.outbox.database._BUSY_TIMEOUT", 0.0)
    reader = connect(old / "shed.outbox")
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM message").fetchall()
    with pytest.raises(StorageFailed):
        moved(old, new, desk)
    reader.close()
    assert [entry.message.id for entry in OutboxFile(old, "shed").entries()] == ["m1"]
    moved(old, new, desk)
    assert [entry.message.id for entry in OutboxFile(new, "shed").entries()] == ["m1"]


async def test_by_root(old: Path, new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What root makes is given to the bridge's user, who could not open it otherwise."""
    given: dict[str, tuple[int, int]] = {}

    def fchown(descriptor: int, user: int, group: int) -> None:
        given[str(Path(f"/proc/self/fd/{descriptor}").readlink())] = user, group

    desk = await filled(old, "m1")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", fchown)
    moved(old, new, desk)
    file = new / "shed.outbox"
    assert {given[str(file)], given[f"{file}.lock"]} == {owner(new)}


def spoilt(file: Path, version: int | None) -> bytes:
    """Make a database one of a later release, or no database at all; return what is in the file then."""
    if version is None:
        file.write_bytes(b"no database at all" * 500)
    else:
        connection = connect(file)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.close()
    return file.read_bytes()


def owner(directory: Path) -> tuple[int, int]:
    """Return whom a directory belongs to."""
    there = directory.stat()
    return there.st_uid, there.st_gid


def contents(directory: Path) -> dict[str, bytes]:
    """Return the files in a directory; who had a lock is nobody's concern."""
    return {file.name: file.read_bytes() for file in directory.iterdir() if file.suffix != ".lock"}


def empty(file: Path) -> None:
    """Make an empty file, and its directory."""
    file.parent.mkdir(exist_ok=True)
    file.touch()


@pytest.mark.parametrize("version", [99, None])
@pytest.mark.parametrize("which", ["old", "new"])
async def test_a_file_that_can_not_be_read(tmp_path: Path, which: str, version: int | None) -> None:
    """With one of a later release, or one that is damaged, nothing is moved, and nothing changed."""
    old, new = tmp_path / "old", tmp_path / "new"
    desk = await filled(old, "m1")
    await filled(new, "n1")
    spoilt(tmp_path / which / "shed.outbox", version)
    before = contents(old), contents(new)
    with pytest.raises(StorageFailed, match=rf"{which}/shed\.outbox"):
        moved(old, new, desk)
    assert (contents(old), contents(new)) == before


@pytest.mark.parametrize("begun", [False, True])
async def test_to_a_file_with_nothing_in_it(old: Path, new: Path, *, begun: bool) -> None:
    """Whoever was killed when it made an outbox leaves an empty file, or a database without tables."""
    desk = await filled(old, "m1")
    empty(new / "shed.outbox")
    if begun:
        connect(new / "shed.outbox").close()
    there = OutboxFile(new, "shed")
    assert (there.exists(), there.entries(), there.waiting()) == (begun, (), Waiting())
    assert list(orphans(new, [])) == []
    moved(old, new, desk)
    assert [entry.message.id for entry in there.entries()] == ["m1"]


async def test_lists_of_journals(old: Path, new: Path) -> None:
    """What a killed move into an outbox left goes, unless another outbox needs it to be rolled back."""
    desk = await filled(old, "m1")
    await filled(new, "n1")
    journal = old / "third.outbox-journal"
    empty(journal)
    for directory in (old, new):
        for name, content in (("mj1", "/gone/third.outbox-shm"), ("mj2", str(journal)), ("mj3", f"/old{journal}")):
            directory.joinpath(f"shed.outbox-{name}").write_bytes(f"{content}\0/gone/shed.outbox-journal\0".encode())
    moved(old, new, desk)
    assert [name for name in sorted(contents(new)) if "-mj" in name] == ["shed.outbox-mj2"]
    assert [name for name in sorted(contents(old)) if "shed" in name] == ["shed.outbox-mj2", "shed.outbox-mj3"]


Trace = Callable[[FrameType, str], None]
"""Called in the process that moves, whenever it comes to another line, or enters or leaves a function."""


def killed(trace: Trace, by: signal.Signals, old: Path, new: Path, desk: Desk) -> bool:
    """Move in a process that a trace may have killed by a signal; say whether it was."""
    child = os.fork()
    if child == 0:

        def traced(frame: FrameType, event: str, _argument: Any) -> Any:
            if "sim7020_bridge/outbox" not in frame.f_code.co_filename:
                return None
            trace(frame, event)
            return traced

        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # which ends the process
        sys.settrace(traced)
        moved(old, new, desk)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status in {0, by}
    return status != 0


def at_line(line: int) -> Trace:
    """Kill at the nth line."""
    left = line

    def trace(_frame: FrameType, event: str) -> None:
        nonlocal left
        left -= event == "line"
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return trace


def in_the_commit(after: float) -> Trace:
    """Have SIGALRM sent so many seconds after the commit began."""

    def trace(frame: FrameType, event: str) -> None:
        if event == "line" and '"COMMIT"' in linecache.getline(frame.f_code.co_filename, frame.f_lineno):
            signal.setitimer(signal.ITIMER_REAL, after)

    return trace


def held(directory: Path) -> Iterator[str]:
    """Yield the ids of the messages and the payloads of the publications in an outbox."""
    if directory.joinpath("shed.outbox").exists():
        connection = connect(directory / "shed.outbox")
        if connection.execute("PRAGMA user_version").fetchone()[0]:
            yield from (name for (name,) in connection.execute("SELECT id FROM message"))
            yield from (payload.decode() for (payload,) in connection.execute("SELECT payload FROM publication"))
        connection.close()


@pytest.mark.parametrize("empty", [True, False])
async def test_killed_at_any_line(tmp_path: Path, *, empty: bool) -> None:
    """Each message is in one of the two, whenever it is killed, and the next run moves what is left."""
    everything = {"m1", "m2", "of m1"} | (set() if empty else {"n1", "of n1"})
    line = 0
    while True:
        old, new = tmp_path / f"{line}-old", tmp_path / f"{line}-new"
        desk = await filled(old, "m1", "m2")
        new.mkdir()
        if not empty:
            await filled(new, "n1")
        died = killed(at_line(line), signal.SIGKILL, old, new, desk)
        there = [*held(old), *held(new)]
        assert sorted(there) == sorted(everything), f"killed at line {line}"
        if not died:
            break
        if old.joinpath("shed.outbox").exists():
            moved(old, new, desk)
        assert sorted(held(new)) == sorted(everything), f"killed at line {line}"
        line += 1
    assert line > 50


async def test_killed_in_the_commit(tmp_path: Path) -> None:
    """It is one of both files, or of none, however far it had come."""
    kills = 0
    for run in range(60):
        old, new = tmp_path / f"{run}-old", tmp_path / f"{run}-new"
        desk = await filled(old, "m1", "m2")
        await filled(new, "n1")
        kills += killed(in_the_commit((run + 1) * 5e-5), signal.SIGALRM, old, new, desk)
        assert sorted([*held(old), *held(new)]) == sorted(["m1", "m2", "of m1", "n1", "of n1"]), f"run {run}"
    assert kills


async def test_what_was_last_sent_with_a_key_moves_too(old: Path, new: Path) -> None:
    """A modem that is called otherwise compares with the last that was sent under either name."""
    desks = Desk(old), Desk(new)
    for desk in desks:
        await desk.outbox.load()
    for number, (at, key) in enumerate([(0, "a"), (0, "b"), (1, "b"), (1, "c"), (0, "c")]):
        desks[at].put(f"m{number}", key=key)
        await desks[at].written()
        (entry,) = desks[at].outbox
        desks[at].outbox.settle((entry,), (), [(entry.message, f"{number}")])
        for desk in desks:
            desk.machine.pass_by(60)
    for desk in desks:
        await desk.outbox.close()
    moved(old, new, desks[0])
    later = Desk(new)
    later.machine = desks[0].machine
    await later.again()
    told = [later.outbox.last_sent(message("m", key=key)) for key in "abc"]
    assert [(round(each[0]), each[1]) for each in told if each is not None] == [(300, "0"), (180, "2"), (60, "4")]
    await later.outbox.close()
