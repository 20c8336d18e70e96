"""The configuration file is replaced as a whole, stays whose it was, and says in words why it can't be written."""

import errno
import os
from pathlib import Path
from unittest.mock import patch

import pytest

from sim7020_bridge.config.file import NotWritten, keep_secret, obstacle, replace


def mode(file: Path) -> int:
    """Return who may do what."""
    return file.stat().st_mode & 0o7777


@pytest.mark.parametrize("before", [0o640, 0o600, 0o644])
def test_mode_and_links_stay(tmp_path: Path, before: int) -> None:
    """What a link leads to is replaced, not the link; and who could read it still can, nobody else meanwhile."""
    real, link = tmp_path / "real.yaml", tmp_path / "bridge.yaml"
    real.write_text("old")
    real.chmod(before)
    link.symlink_to("real.yaml")
    replace(link, b"new")
    assert (real.read_bytes(), mode(real), link.is_symlink()) == (b"new", before, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bridge.yaml", "real.yaml"]


def test_a_new_file_is_its_owner_s_alone(tmp_path: Path) -> None:
    """There may be secrets in it."""
    replace(tmp_path / "bridge.yaml", b"new")
    assert mode(tmp_path / "bridge.yaml") == 0o600


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_the_owner_stays(tmp_path: Path) -> None:
    """Root that writes for another user does not take the file from that user."""
    file = tmp_path / "bridge.yaml"
    file.write_text("old")
    os.chown(file, 4711, 4712)
    replace(file, b"new")
    assert (file.stat().st_uid, file.stat().st_gid, file.read_bytes()) == (4711, 4712, b"new")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ("os.fsync", OSError(errno.ENOSPC, "No space left on device"), "no room is left on the disk"),
        ("os.fchown", PermissionError(errno.EPERM, "Operation not permitted"), "it belongs to user"),
        ("pathlib.Path.replace", OSError(errno.EBUSY, "Device or resource busy"), "mount the directory that it is in"),
        ("os.open", OSError(errno.EROFS, "Read-only file system"), "its file system is read-only"),
    ],
)
def test_what_can_t_be_written_is_as_it_was(tmp_path: Path, call: str, error: OSError, words: str) -> None:
    """The reason is told in words, and nothing is left beside the file."""
    file = tmp_path / "bridge.yaml"
    file.write_text("old")
    stranger = os.stat_result((0o100644, 1, 2, 1, 99, 99, 3, 0, 0, 0))
    with (
        patch(call, side_effect=error),
        patch("os.fstat", return_value=stranger),
        pytest.raises(NotWritten, match=words),
    ):
        replace(file, b"new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("bridge.yaml", "old")]


def test_obstacles(tmp_path: Path) -> None:
    """They are known before anything is tried."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "bridge.yaml").write_text("x")
    assert obstacle(tmp_path / "bridge.yaml") is None
    assert obstacle(tmp_path / "other.yaml") is None
    assert obstacle(tmp_path / "folder") == "it is no file"
    assert obstacle(tmp_path / "none" / "bridge.yaml") == f"there is no directory {tmp_path}/none"
    with patch("os.access", lambda path, _: Path(path) != tmp_path):
        assert obstacle(tmp_path / "bridge.yaml") == f"this user may not write to the directory {tmp_path}"
    with patch("os.access", lambda path, _: Path(path) == tmp_path):
        assert obstacle(tmp_path / "bridge.yaml") == "this user may not write to it"
    with pytest.raises(NotWritten, match="there is no directory"):
        replace(tmp_path / "none" / "bridge.yaml", b"")


def test_a_secret_is_its_owner_s_alone(tmp_path: Path) -> None:
    """Also in place of a file that everybody could read."""
    file = tmp_path / "mqtt-password"
    file.write_text("old")
    file.chmod(0o644)
    keep_secret(file, "word")
    assert (file.read_text(), mode(file)) == ("word\n", 0o600)
    with pytest.raises(NotWritten, match="can't be written"):
        keep_secret(tmp_path / "none" / "mqtt-password", "word")
