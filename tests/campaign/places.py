"""What is fuzzed and needs a place to be: the configuration's file, and a loop for the emulator's interpreter."""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sim7020_bridge.config.load import load
from sim7020_bridge.errors import ConfigurationError
from sim7020_emulator.emulator import Emulator, Setup
from tests.campaign.targets import TARGETS, Target
from tests.transcript import Sent, all_transcripts

_CONFIGURATION: Final = b"""\
mqtt: {host: localhost, port: 1883, username: me, password: secret, base_topic: sim7020, keepalive: 60}
state_dir: state
modems:
  shed:
    port: /dev/ttyUSB0
    baudrate: 115200
    apn: internet
    apn_username: me
    apn_password: secret
    pin: "1234"
    time_server: pool.ntp.org
    allow_at: ["AT+CSQ", "AT+COPS*"]
    power_saving: {active_time: 60, periodic_update: 3600, edrx_cycle: 20.48, light_sleep: true}
    outbox: {}
    recovery: {attach_ceiling: 4}
    sockets:
      telemetry: {protocol: udp, host: 192.0.2.1, port: 5000, encoding: json, send_topics: ["a/+", "b/#"], ttl: 60}
      control: {protocol: tcp, host: example.org, port: 5001, encoding: hex}
"""
_LATENESS: Final = 10.0
"""Seconds that a command line may take before it counts as never ended."""


class Interpreter:
    """An emulated module on a loop of its own, that is fed whatever comes."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._emulator: Emulator | None = None
        self._fed = 0

    def close(self) -> None:
        """End it."""
        self._runner.run(self._stop())
        self._runner.close()

    def execute(self, data: bytes) -> int:
        """Feed it bytes, and wait until it is ready for more."""
        self._runner.run(self._feed(data))
        return 1

    async def _feed(self, data: bytes) -> None:
        self._fed += 1
        if self._emulator is None or self._fed % 500 == 0:
            await self._stop()
            self._emulator = Emulator(Setup(baud=0, speed=0))
            self._emulator.module.power_on(attached=True)
        failed: list[BaseException] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: failed.append(context.get("exception") or RuntimeError(context["message"]))
        )
        interpreter = self._emulator.interpreter
        # what ends a data prompt, then what ends a line
        for piece in (data + b"\r", b"\x1b", b"\x1a" * 1500 + b"\r"):
            interpreter.feed(piece)
            async with asyncio.timeout(_LATENESS):
                for _ in range(20):
                    await asyncio.sleep(0)
        if failed:
            raise failed[0]

    async def _stop(self) -> None:
        if self._emulator is not None:
            await self._emulator.stop()
            self._emulator = None


class Places:
    """All targets, with the places that some of them need."""

    def __init__(self) -> None:
        self._ends = ExitStack()
        self.targets: Sequence[Target] = ()

    def __enter__(self) -> Self:
        file = Path(self._ends.enter_context(tempfile.TemporaryDirectory())) / "bridge.yaml"

        def configuration(data: bytes) -> int:
            file.write_bytes(data)
            with suppress(ConfigurationError):
                load(file)
            return 1

        interpreter = Interpreter()
        self._ends.callback(interpreter.close)
        lines = sorted(
            {step.text.encode() for each in all_transcripts() for step in each.steps if isinstance(step, Sent)}
        )
        self.targets = (
            *TARGETS,
            Target("configuration", [_CONFIGURATION], configuration, 0.05),
            Target("interpreter", lines, interpreter.execute, 0.5),
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()
