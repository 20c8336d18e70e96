"""A PIN is tried once."""

import os
from pathlib import Path

import pytest

from sim7020_bridge.modem.pin import PinMemory


def test_nothing_was_tried_at_first(tmp_path: Path) -> None:
    """Without a file no PIN was tried."""
    assert not PinMemory(tmp_path / "none" / "shed.pin").was_tried("1234")


def test_pin_counts_as_tried_as_soon_as_it_is_remembered(tmp_path: Path) -> None:
    """A bridge that is killed between remembering and the answer does not try it again; another PIN it does."""
    file = tmp_path / "state" / "shed.pin"
    PinMemory(file).remember("1234")
    restarted = PinMemory(file)
    assert restarted.was_tried("1234")
    assert not restarted.was_tried("4321")


def test_file_is_for_the_bridge_alone_and_has_no_pin(tmp_path: Path) -> None:
    """Nobody else reads the file or its directory, and who does finds no PIN; a file that was open is shut."""
    file = tmp_path / "state" / "shed.pin"
    memory = PinMemory(file)
    memory.remember("1234")
    file.chmod(0o644)
    memory.remember("1234")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert b"1234" not in file.read_bytes()
    assert list(file.parent.iterdir()) == [file]


def test_same_pin_looks_different_each_time(tmp_path: Path) -> None:
    """The hash has a salt."""
    one, other = tmp_path / "one", tmp_path / "other"
    PinMemory(one).remember("1234")
    PinMemory(other).remember("1234")
    assert one.read_bytes() != other.read_bytes()


def test_pin_that_was_taken_is_forgotten(tmp_path: Path) -> None:
    """A right PIN may be given again after the next restart of the module."""
    memory = PinMemory(tmp_path / "shed.pin")
    memory.remember("1234")
    memory.forget()
    memory.forget()
    assert not memory.was_tried("1234")


def test_unlocked_sim_took_the_pin_that_it_did_not_answer(tmp_path: Path) -> None:
    """A SIM that is ready took the PIN whose answer was lost, but not one that it refused."""
    memory = PinMemory(tmp_path / "shed.pin")
    memory.unlocked()
    memory.remember("1234")
    memory.unlocked()
    assert not memory.was_tried("1234")
    memory.remember("1234")
    memory.refused()
    memory.unlocked()
    assert memory.was_tried("1234")


@pytest.mark.parametrize(
    ("before", "left", "tried"),
    [(3, 3, False), (2, 3, False), (3, 2, True), (3, None, True), (None, 3, True), (None, None, True), (12, 12, True)],
)
def test_pin_that_cost_no_try_was_not_tried(
    tmp_path: Path, before: int | None, left: int | None, *, tried: bool
) -> None:
    """Whoever has as many tries as before the PIN was given has not looked at it; who does not tell may have."""
    memory = PinMemory(tmp_path / "shed.pin")
    memory.remember("1234", left=before)
    assert memory.was_tried("1234", left=left) == tried
    memory.refused()
    assert memory.was_tried("1234", left=left)


@pytest.mark.parametrize("content", [b"", b"?", b"?" + bytes(40), b"!" + bytes(300)])
def test_file_that_makes_no_sense_counts_as_tried(tmp_path: Path, content: bytes) -> None:
    """Rather not unlocked than one try too many."""
    file = tmp_path / "shed.pin"
    file.write_bytes(content)
    assert PinMemory(file).was_tried("1234")


def test_file_that_cannot_be_read_counts_as_tried(tmp_path: Path) -> None:
    """A directory in the file's place is no reason to try."""
    (tmp_path / "shed.pin").mkdir()
    memory = PinMemory(tmp_path / "shed.pin")
    assert memory.was_tried("1234")
    memory.unlocked()
    memory.refused()
    memory.forget()
    assert memory.was_tried("1234")


def test_what_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """Whoever can't remember must not try."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        PinMemory(tmp_path / "file" / "shed.pin").remember("1234")


def test_power_cut_leaves_the_old_file_or_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that is cut short leaves what was known before, and does not stand in the way of the next."""
    memory = PinMemory(tmp_path / "shed.pin")
    memory.remember("1234")

    def cut(_: int) -> None:
        raise OSError(5, "cut")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", cut)
        with pytest.raises(OSError, match="cut"):
            memory.remember("4321")
    assert memory.was_tried("1234")
    memory.remember("4321")
    assert memory.was_tried("4321")
