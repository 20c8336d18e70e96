"""Passwords that can't be found, which is not the same as that there are none."""

import errno
import hashlib
import os
from pathlib import Path
from typing import Final

import pytest

from sim7020_bridge.http.access import Access
from sim7020_bridge.http.passwords import Hash, write_passwords
from sim7020_bridge.http.reply import Refusal
from sim7020_bridge.http.role import Role

WEAK: Final = Hash(2, 1, 1, b"salt", hashlib.scrypt(b"full", salt=b"salt", n=2, r=1, p=1))
"""What scrypt makes of the password "full" with little effort."""


def unreachable(file: Path, kind: str) -> None:
    """Have a file of passwords be where it can't be reached."""
    folder = file.parent
    if kind == "a link that leads nowhere":
        file.symlink_to(folder / "nowhere")
        return
    folder.rmdir()
    if kind == "a folder that is a link to itself":
        folder.symlink_to(folder.name)
    elif kind == "a folder that is a link that leads nowhere":
        folder.symlink_to(folder.parent / "nowhere")
    else:
        folder.write_text("", encoding="utf-8")


@pytest.mark.parametrize(
    "kind",
    [
        "a link that leads nowhere",
        "a folder that is a link to itself",
        "a folder that is a link that leads nowhere",
        "a folder that is a file",
    ],
)
async def test_what_can_t_be_reached_lets_nobody_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    """It is not known then that there is no password, and the log says so."""
    file = tmp_path / "state" / "passwords"
    file.parent.mkdir()
    unreachable(file, kind)
    with pytest.raises(Refusal, match="of no use") as refusal:
        await Access(file).caller(None, local=True)
    assert refusal.value.code == "no_password"
    assert f"nobody can log in: {file} can't be read" in caplog.text


def search_not(place: object, *_: object) -> None:
    """Fail as what is in a folder does that may not be searched."""
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))


async def test_a_folder_that_may_not_be_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is in until it may be again, and then everything is as before."""
    file = tmp_path / "passwords"
    write_passwords(file, {Role.FULL: WEAK})
    access = Access(file)
    token = await access.log_in("full", "192.0.2.1")
    with monkeypatch.context() as patch:
        for name in ("stat", "lstat"):
            patch.setattr(os, name, search_not)
        patch.setattr(Path, "open", search_not)
        for cookie in (token, None):
            with pytest.raises(Refusal, match="Permission denied"):
                await access.caller(cookie, local=True)
    assert caplog.text.count("Permission denied") == 1
    assert (await access.caller(token, local=True)).role is Role.FULL


@pytest.mark.parametrize("with_its_folder", [False, True])
async def test_passwords_that_vanish(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, with_its_folder: bool
) -> None:
    """Who can delete the file, or take its disk away, opens nothing by it; removing the last password does."""
    file = tmp_path / "state" / "passwords"
    file.parent.mkdir()
    write_passwords(file, {Role.FULL: WEAK})
    access = Access(file)
    token = await access.log_in("full", "192.0.2.1")
    file.unlink()
    if with_its_folder:
        file.parent.rmdir()
    for _ in range(2):
        with pytest.raises(Refusal, match="is gone"):
            await access.caller(token, local=True)
    assert caplog.text.count("is gone") == 1
    file.parent.mkdir(exist_ok=True)
    write_passwords(file, {Role.FULL: WEAK})
    assert (await access.caller(None, local=True)).role is Role.ANYONE
    write_passwords(file, {})
    assert (await access.caller(None, local=True)).role is Role.FULL
    file.unlink()
    assert (await access.caller(None, local=True)).role is Role.FULL
