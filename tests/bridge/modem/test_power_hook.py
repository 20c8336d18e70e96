"""The power hook in its three ways, with real programs."""

import asyncio
import os
import select
import shlex
import stat
from pathlib import Path
from typing import Any

import pytest

from sim7020_bridge.config.model import GpioSettings, PowerHookSettings
from sim7020_bridge.modem import power_hook
from sim7020_bridge.modem.power_hook import PowerHook
from tests.bridge.modem.bench import Switch
from tests.bridge.scripted_module import on_virtual_time
from tests.no_threads import no_threads


def program(file: Path, *lines: str) -> str:
    """Write a shell script that can be run, and return its path."""
    file.write_text("\n".join(("#!/bin/sh", *lines, "")), encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


def plug(**settings: Any) -> tuple[PowerHook, Switch, list[str]]:
    """Return a power hook by topic, what it tells, and what was told."""
    told: list[str] = []
    switch = Switch(told.append)
    return PowerHook(PowerHookSettings(topic="plug/set", **settings), switch=switch), switch, told


async def test_topic_is_pressed_and_released() -> None:
    """A switch is told to press, and after the time that it takes to release."""
    hook, _, told = plug(press_payload="0", release_payload="1", duration=0.1)
    pressing = asyncio.create_task(hook.press())
    await asyncio.sleep(0)
    assert told == ["0"]
    assert await pressing
    assert told == ["0", "1"]


async def test_topic_is_released_when_the_bridge_stops() -> None:
    """A module is not left without its supply."""
    hook, _, told = plug(duration=60.0)
    pressing = asyncio.create_task(hook.press())
    await asyncio.sleep(0)
    pressing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pressing
    assert told == ["ON", "OFF"]


async def test_topic_is_not_pressed_while_the_broker_is_away(caplog: pytest.LogCaptureFixture) -> None:
    """A press that can't be made now is never made: the module may be well by then."""
    hook, switch, told = plug(duration=0.1)
    switch.connected = False
    assert not hook.usable
    assert not await hook.press()
    switch.connect()
    assert told == []
    assert "can't be used: the broker is away" in caplog.text


@on_virtual_time
async def test_topic_is_released_as_soon_as_the_broker_is_back(caplog: pytest.LogCaptureFixture) -> None:
    """A plug that was switched off has nothing else that switches it on; until then it is not pressed again."""
    hook, switch, told = plug(duration=8.0)
    pressing = asyncio.create_task(hook.press())
    await asyncio.sleep(1)
    switch.connected = False
    assert await pressing
    assert "not released yet" in caplog.text
    switch.connected = True
    assert not await hook.press()
    assert "can't be used: the broker does not have its last release yet" in caplog.text
    assert told == ["ON"]
    switch.connect()
    assert told == ["ON", "OFF"]
    assert hook.usable


async def test_command_runs_without_a_shell(tmp_path: Path) -> None:
    """The program gets its arguments as they are, and an empty standard input."""
    out = tmp_path / "out"
    path = program(tmp_path / "press", f'printf "%s|" "$@" > {shlex.quote(str(out))}; cat')
    assert await PowerHook(PowerHookSettings(command=(path, "a b", "$HOME")), switch=Switch(pytest.fail)).press()
    assert out.read_text() == "a b|$HOME|"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("/nonexistent/press",), "can't be run"),
        (("false",), "failed with status 1"),
        (("sh", "-c", "kill -9 $$"), "failed with status -9"),
    ],
)
async def test_command_that_fails_is_logged(
    command: tuple[str, ...], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """There is nobody to raise to: what goes wrong is logged, once while it is the same."""
    hook = PowerHook(PowerHookSettings(command=command), switch=Switch(pytest.fail))
    assert not await hook.press()
    assert not await hook.press()
    assert caplog.text.count(said) == 1


async def test_command_that_hangs_is_killed_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A script that waits for a program of its own leaves neither behind."""
    monkeypatch.setattr(power_hook, "COMMAND_TIMEOUT", 0.2)
    number = tmp_path / "number"
    path = program(tmp_path / "press", f"sleep 600 & echo $! > {shlex.quote(str(number))}; wait")
    await PowerHook(PowerHookSettings(command=(path,), duration=0.1), switch=Switch(pytest.fail)).press()
    assert "is killed" in caplog.text
    assert ended(int(number.read_text()))


async def test_command_is_killed_when_the_bridge_stops(tmp_path: Path) -> None:
    """A press that is given up leaves no program behind."""
    number = tmp_path / "number"
    os.mkfifo(number)
    path = program(tmp_path / "press", f"echo $$ > {shlex.quote(str(number))}", "exec sleep 600")
    pressing = asyncio.create_task(PowerHook(PowerHookSettings(command=(path,)), switch=Switch(pytest.fail)).press())
    process = int(await asyncio.to_thread(number.read_text))
    pressing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pressing
    assert ended(process)


async def test_command_that_there_is_no_thread_for(caplog: pytest.LogCaptureFixture) -> None:
    """Where asyncio needs one to wait for a program, and gets none, that is told, and the bridge goes on."""
    hook = PowerHook(PowerHookSettings(command=("true",)), switch=Switch(pytest.fail))
    with no_threads():
        assert await hook.press() or "the power hook true can't be run: can't start new thread" in caplog.text


def ended(process: int) -> bool:
    """Wait until a process has ended; say whether it did."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 10.0)[0])
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("version", "arguments"),
    [
        ("gpioset (libgpiod) v1.6.3", "--mode=time --usec=800000 gpiochip0 17=1"),
        ("gpioset (libgpiod) v2.1.3", "--chip gpiochip0 --toggle 800ms,0 17=1"),
    ],
)
async def test_gpio_line_is_pulsed(
    version: str, arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both versions of libgpiod's tools are asked for a pulse in their own words."""
    out = tmp_path / "out"
    program(
        tmp_path / "gpioset",
        f'if [ "$1" = --version ]; then echo "{version}"; else echo "$@" > {shlex.quote(str(out))}; fi',
    )
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    settings = PowerHookSettings(gpio=GpioSettings("gpiochip0", 17), duration=0.8)
    await PowerHook(settings, switch=Switch(pytest.fail)).press()
    assert out.read_text().strip() == arguments


async def test_missing_gpio_tools_are_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A machine without libgpiod's tools is told so."""
    (tmp_path / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(tmp_path))
    await PowerHook(PowerHookSettings(gpio=GpioSettings("gpiochip0", 17)), switch=Switch(pytest.fail)).press()
    assert "gpioset failed with status 127" in caplog.text
