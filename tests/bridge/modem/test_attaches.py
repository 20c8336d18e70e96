"""Attach attempts count on when the bridge is started again."""

import asyncio
import json
from pathlib import Path

import pytest

from sim7020_bridge.config.model import RecoverySettings
from sim7020_bridge.modem.alerts import AlertId
from sim7020_bridge.modem.bring_up import cycle_radio
from sim7020_bridge.modem.recovery import ATTACHING
from tests.bridge.modem.bench import EPOCH, HOUR, Bench, current, now, running, steps, unregistered
from tests.bridge.scripted_module import on_virtual_time

CEILING = 4
RECOVERY = RecoverySettings(attach_ceiling=CEILING)


def attempts(bench: Bench) -> int:
    """Return how often a bridge made the module attach."""
    return sum(times for step, times in steps(bench).items() if step in ATTACHING)


async def lived(state_dir: Path, seconds: float, *, ended: bool) -> tuple[int, bool]:
    """Let a bridge without a network live, and end it as told; return its attempts, and whether it was held up."""
    async with running(module=unregistered(), recovery=RECOVERY, state_dir=state_dir) as bench:
        await asyncio.sleep(seconds)
        if ended:
            bench.modem.ended_by_a_person()
        return attempts(bench), AlertId.ATTACH_CEILING in current(bench)


@on_virtual_time
async def test_ceiling_holds_over_crashes(tmp_path: Path) -> None:
    """A bridge that is killed again and again makes no more attempts in a day than one that is not."""
    made = [(await lived(tmp_path, HOUR, ended=False))[0] for _ in range(20)]
    assert sum(made) == CEILING
    assert await lived(tmp_path, HOUR, ended=False) == (0, True)
    assert oct((tmp_path / "shed.attaches").stat().st_mode & 0o777) == "0o600"
    await asyncio.sleep(24 * HOUR)
    assert (await lived(tmp_path, HOUR, ended=False))[0] > 0


@on_virtual_time
async def test_restart_by_a_person_tries_at_once(tmp_path: Path) -> None:
    """One who ends the bridge in good order and starts it again gets one attempt more each time, and it counts."""
    assert await lived(tmp_path, 6 * HOUR, ended=True) == (CEILING, True)
    began = now()
    async with running(module=unregistered(), recovery=RECOVERY, state_dir=tmp_path) as bench:
        await bench.until(lambda _: attempts(bench) == 1)
        assert now() - began < 400
        await asyncio.sleep(6 * HOUR)
        assert (attempts(bench), AlertId.ATTACH_CEILING in current(bench)) == (1, True)
    assert await lived(tmp_path, 6 * HOUR, ended=False) == (0, True)


@on_virtual_time
async def test_what_a_user_asks_for_is_remembered(tmp_path: Path) -> None:
    """Requests count over a restart as well."""
    async with running(recovery=RECOVERY, state_dir=tmp_path) as bench:
        await bench.online()
        for number in range(CEILING + 1):
            assert (bench.modem.over_ceiling() is None) == (number < CEILING)
            await cycle_radio(bench.modem.module)
    assert await lived(tmp_path, 6 * HOUR, ended=False) == (0, True)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"attempts": ["x"], "ended": false}', b'{"attempts": 7, "ended": 1}', b"\xff"]
)
@on_virtual_time
async def test_file_that_makes_no_sense(content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is told, counts as none, and is written anew."""
    file = tmp_path / "shed.attaches"
    file.write_bytes(content)
    assert (await lived(tmp_path, HOUR, ended=False))[0] > 0
    assert "earlier attach attempts are forgotten" in caplog.text
    assert json.loads(file.read_bytes())["attempts"]


@on_virtual_time
async def test_end_before_the_beginning(tmp_path: Path) -> None:
    """A bridge that is told to end before it has begun forgets nothing, and a person ended it."""
    file = tmp_path / "shed.attaches"
    file.write_text(json.dumps({"attempts": [EPOCH.timestamp() - HOUR], "ended": False}))
    async with running(state_dir=tmp_path) as bench:
        bench.modem.ended_by_a_person()
        await bench.online()
    kept = json.loads(file.read_bytes())
    assert (len(kept["attempts"]), kept["ended"]) == (1, True)


@on_virtual_time
async def test_attempts_of_a_clock_that_went_back(tmp_path: Path) -> None:
    """A host that starts with a clock of the past takes later attempts for just made, and not for none."""
    later = EPOCH.timestamp() + 90 * 24 * HOUR
    (tmp_path / "shed.attaches").write_text(json.dumps({"attempts": [later] * CEILING, "ended": False}))
    assert await lived(tmp_path, 6 * HOUR, ended=False) == (0, True)
    await asyncio.sleep(24 * HOUR)
    assert (await lived(tmp_path, HOUR, ended=False))[0] > 0


@on_virtual_time
async def test_folder_that_can_t_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The bridge goes on without its memory, and says so."""
    (tmp_path / "file").touch()
    assert (await lived(tmp_path / "file" / "state", HOUR, ended=True))[0] > 0
    assert "a restart would forget the attach attempts" in caplog.text


@on_virtual_time
async def test_without_attempts_nothing_is_kept(tmp_path: Path) -> None:
    """A modem that comes online by itself leaves no file."""
    async with running(state_dir=tmp_path) as bench:
        await bench.online()
        bench.modem.ended_by_a_person()
        assert list(bench.state_dir.iterdir()) == []
