"""What unit, image and app promise their managers is what the bridge does."""

import asyncio
import json
import re
import shlex
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
import pytest

from sim7020_bridge.cli import main
from sim7020_bridge.config.load import load
from tests.packaging.files import PACKAGING, read_yaml
from tests.ports import free_port

UNIT: Final = (PACKAGING / "systemd/sim7020-bridge.service").read_text()
DOCKERFILE: Final = (PACKAGING / "docker/Dockerfile").read_text()
PATIENCE: Final = 20.0


def setting(name: str) -> str:
    """Return the value that the unit gives to a key."""
    (value,) = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return str(value)


def parsed(words: list[str]) -> click.Context:
    """Let the command line's own parser take a call of the bridge, without running it; a mistake in it raises."""
    command = main.get_command(click.Context(main), words[0])
    assert command is not None, words
    return command.make_context(words[0], words[1:])


class Manager:
    """A service manager's end of sd_notify."""

    def __init__(self, path: Path) -> None:
        self.told: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    async def hears(self, holds: Callable[[str], bool]) -> None:
        """Return when the service has told something."""
        async with asyncio.timeout(PATIENCE):
            while True:
                told = (await asyncio.get_running_loop().sock_recv(self._socket, 4096)).decode()
                self.told.append(told)
                if holds(told):
                    return

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()


@pytest.mark.parametrize(
    "words",
    [
        shlex.split(setting("ExecStart"))[1:],
        ["run", "--config", "/etc/sim7020-bridge/bridge.yaml"],
        ["run", "--config", "/config/mine.yaml", "--log-level", "debug"],
    ],
)
def test_what_starts_the_bridge_is_a_command_line_that_it_takes(words: list[str]) -> None:
    """The unit's, the image's and the app's."""
    assert parsed(words).params["config"] == Path(words[2])


def test_the_image_starts_what_its_entry_point_takes() -> None:
    """The command of the image is a list of words of the bridge's own."""
    (command,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    words = [str(word) for word in json.loads(command)]
    assert parsed(words).command.name == "run"


def test_the_images_health_check_asks_where_the_bridge_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The port in the image's environment is the one in its health check."""
    (check,) = re.findall(r"HEALTHCHECK .*\\\n    CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    words = [str(word) for word in json.loads(check)]
    assert words[0] == "sim7020-bridge"
    (port,) = re.findall(r"SIM7020_HTTP__PORT=(\d+)", DOCKERFILE)
    monkeypatch.setenv("SIM7020_HTTP__PORT", port)
    (tmp_path / "bridge.yaml").write_text("mqtt: {host: broker}\nmodems: {shed: {port: /dev/ttyUSB0}}\n")
    http = load(tmp_path / "bridge.yaml").http
    assert http is not None
    assert parsed(words[1:]).params["url"] == f"http://{http.host}:{http.port}/health"


async def test_the_bridge_tells_systemd_what_the_unit_waits_for(tmp_path: Path) -> None:
    """Ready, signs of life within the unit's watchdog, reloading and ready again at SIGHUP, stopping at SIGTERM."""
    assert setting("Type") == "notify"
    assert "kill -HUP" in setting("ExecReload")
    watchdog = float(setting("WatchdogSec"))
    manager = Manager(tmp_path / "notify")
    (tmp_path / "bridge.yaml").write_text(
        f"mqtt: {{host: 127.0.0.1, port: {free_port()}}}\nmodems: {{shed: {{port: {tmp_path}/missing}}}}\n"
    )
    bridge = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sim7020_bridge", "run", "--config", str(tmp_path / "bridge.yaml")),
        stderr=asyncio.subprocess.DEVNULL,
        env={
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": str(int(watchdog * 1_000_000)),
            "STATE_DIRECTORY": str(tmp_path / "state"),
            "PYTHONPATH": ":".join(sys.path),
        },
    )
    try:
        await manager.hears(lambda told: "READY=1" in told)
        await manager.hears(lambda told: "WATCHDOG=1" in told)
        bridge.send_signal(signal.SIGHUP)
        await manager.hears(lambda told: "RELOADING=1" in told)
        await manager.hears(lambda told: "READY=1" in told)
        bridge.send_signal(signal.SIGTERM)
        await manager.hears(lambda told: "STOPPING=1" in told)
        async with asyncio.timeout(float(setting("TimeoutStopSec"))):
            assert await bridge.wait() == 0
    finally:
        manager.close()
        if bridge.returncode is None:
            bridge.kill()
            await bridge.wait()


def test_the_app_gives_no_setting_by_environment_that_its_options_could_not_undo() -> None:
    """A variable of the bridge's in the app would win over what the user chose."""
    variables = read_yaml(PACKAGING / "home-assistant/config.yaml").get("environment", {})
    assert not [name for name in variables if name.startswith("SIM7020_")]
