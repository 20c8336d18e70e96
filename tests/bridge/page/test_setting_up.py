"""The first configuration is written, and then the bridge starts."""

import asyncio
from errno import ENOSPC
from pathlib import Path
from typing import cast
from unittest.mock import patch

import pytest

from sim7020_bridge.http.passwords import read_passwords
from sim7020_bridge.http.reply import Refusal
from sim7020_bridge.http.role import Role
from sim7020_bridge.page import setting_up
from sim7020_bridge.page.setting_up import SettingUp
from tests.bridge.page.whole import ALL, EYES, with_passwords

FORM = {"mqtt": {"host": "127.0.0.1"}, "modem": {"name": "shed", "port": "/dev/none"}}


async def test_who_hangs_up_is_told_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bridge starts all the same, with what was written."""
    monkeypatch.setattr(setting_up, "TOLD_WITHIN", 0.01)
    done = asyncio.Event()
    setting = SettingUp(tmp_path / "bridge.yaml", http={}, given=None, password=False, done=done.set)
    await setting.write(FORM)
    async with asyncio.timeout(30):
        await done.wait()
    assert (tmp_path / "bridge.yaml").exists()


def names(directory: Path) -> list[str]:
    """Return the names of the files there."""
    return sorted(file.name for file in directory.iterdir())


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SettingUp:
    """Return a set-up in a directory of its own, state and all."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    (tmp_path / "state").mkdir()
    http = {"port": 8020, "page": True}
    return SettingUp(tmp_path / "bridge.yaml", http=http, given=None, password=False, done=lambda: None)


async def test_a_password_that_others_have(tmp_path: Path, setting: SettingUp) -> None:
    """Who may only look could do everything by it."""
    file = with_passwords(tmp_path / "state")
    answer = await setting.write({**FORM, "page": {"password": EYES}})
    assert answer.status == 422
    assert b"the other log-in has that password" in cast(bytes, answer.body)
    assert (names(tmp_path), read_passwords(file)[Role.FULL].matches(ALL)) == (["state"], True)
    answer = await setting.write({**FORM, "page": {"password": "another one"}})
    assert answer.status == 200
    assert {role: kept.matches("another one") for role, kept in read_passwords(file).items()} == {
        Role.FULL: True,
        Role.READ_ONLY: False,
    }


async def test_a_configuration_that_comes_meanwhile(tmp_path: Path, setting: SettingUp) -> None:
    """It stays as it is, and nothing is left beside it."""
    file = tmp_path / "bridge.yaml"

    def copied(descriptor: int) -> None:
        if "bridge.yaml" in Path(f"/proc/self/fd/{descriptor}").readlink().name:
            file.write_text("theirs\n")

    form = {**FORM, "mqtt": {"host": "127.0.0.1", "username": "u", "password": "geheim"}}
    with patch("os.fsync", copied), pytest.raises(Refusal) as refused:
        await setting.write(form)
    assert refused.value.code == "there_already"
    assert (names(tmp_path), file.read_text()) == (["bridge.yaml", "state"], "theirs\n")


async def test_a_disk_that_becomes_full(tmp_path: Path, setting: SettingUp) -> None:
    """Whichever file it is that finds no room, none is left, and so no secret."""
    form = {
        "mqtt": {"host": "127.0.0.1", "username": "u", "password": "geheim"},
        "modem": {"name": "shed", "port": "/dev/none", "pin": "0000"},
    }
    for room in range(3):
        written = 0

        def sync(_descriptor: int, room: int = room) -> None:
            nonlocal written
            written += 1
            if written > room:
                raise OSError(ENOSPC, "No space left on device")

        with patch("os.fsync", sync), pytest.raises(Refusal) as refused:
            await setting.write(form)
        assert refused.value.code == "not_written"
        assert names(tmp_path) == ["state"]
    assert (await setting.write(form)).status == 200
