"""The first configuration is written, and then the bridge starts."""

import asyncio
from pathlib import Path

import pytest

from sim7020_bridge.page import setting_up
from sim7020_bridge.page.setting_up import SettingUp

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
