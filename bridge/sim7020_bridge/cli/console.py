"""``console``: speak AT with a module, and have each line explained."""

import asyncio
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Final

import click

from sim7020_bridge.at.framer import Framer, Prompt
from sim7020_bridge.cli.broker import with_broker
from sim7020_bridge.cli.console_lines import converse, shown
from sim7020_bridge.cli.console_over_mqtt import speak
from sim7020_bridge.cli.exits import EXIT_FAILED, fail
from sim7020_bridge.cli.keyboard import Keyboard
from sim7020_bridge.cli.options import baud as baud_option
from sim7020_bridge.cli.options import patience
from sim7020_bridge.cli.stopping import run_until_stopped
from sim7020_bridge.config import values
from sim7020_bridge.config.model import DEFAULT_BAUDRATE, MqttSettings
from sim7020_bridge.errors import PortUnavailable
from sim7020_bridge.kit.decode.decoder import Decoder
from sim7020_bridge.kit.decode.kinds import Direction, Explained, Kind
from sim7020_bridge.kit.decode.log_line import LogLine
from sim7020_bridge.port.port import Port, open_port

_PATIENCE: Final = 180
"""Seconds; the longest that the manual lets a command take is ``AT+COPS=?``."""
_QUIET: Final = 0.5
"""Seconds that a script's last URCs are waited for."""
_END_OF_DATA: Final = "\x1a"


@click.command()
@click.argument("place", metavar="PORT|MODEM")
@baud_option(f"Default: {DEFAULT_BAUDRATE}.", show_default=False)
@patience(_PATIENCE)
@with_broker
def console(*, mqtt: MqttSettings, place: str, baud: int, within: float) -> None:
    """Talk AT to the module at PORT, or to MODEM through its bridge.

    Lines are explained and have history; exit or Ctrl-D leaves. From a pipe,
    each is sent when the one before is done. MODEM is asked with request/at.

    \b
    Exit status: 0 left, 1 no port, or a piped command failed, 2 wrong usage,
                 or no such MODEM, 3 no broker, or its bridge is offline.
    Example:     sim7020-bridge console /dev/ttyUSB0
    """
    failed: list[str] = []
    try:
        if "/" in place or Path(place).is_char_device():
            run_until_stopped(_console(place, baud, within, failed))
        else:
            run_until_stopped(speak(mqtt, values.name(place), within, failed))
    except values.WrongValue as error:
        raise click.BadParameter(f"{place} is neither a port nor a modem: {error}", param_hint="PORT|MODEM") from error
    except PortUnavailable as error:
        way = "; if it is the bridge, go through it: sim7020-bridge console MODEM" if error.reason == "busy" else ""
        fail(f"{error}{way}")
    sys.exit(EXIT_FAILED if failed else 0)


async def _console(port: str, baud: int, within: float, failed: list[str]) -> None:
    async with aclosing(await open_port(port, baud)) as opened:
        with Keyboard() as keyboard:
            module = _SerialModule(opened, keyboard)
            listening = asyncio.create_task(module.listen(), name="console: listen")
            speaking = asyncio.create_task(converse(keyboard, module, within, failed), name="console: speak")
            try:
                await asyncio.wait((listening, speaking), return_when=asyncio.FIRST_COMPLETED)
                if speaking.done() and not keyboard.interactive:
                    await asyncio.wait((listening,), timeout=_QUIET)
                for task in (listening, speaking):
                    if task.done():
                        task.result()
            finally:
                listening.cancel()
                speaking.cancel()
                await asyncio.gather(listening, speaking, return_exceptions=True)


class _SerialModule:
    """A module at a port of our own, whatever it says and whenever."""

    def __init__(self, port: Port, keyboard: Keyboard) -> None:
        self._port = port
        self._keyboard = keyboard
        self._framer = Framer()
        self._decoder = Decoder(live=True)
        self._ended = asyncio.Event()
        self._refused = False

    @property
    def wants_data(self) -> bool:
        return self._decoder.prompted

    async def listen(self) -> None:
        """Show all that the module says; raises a LineError in the end."""
        while True:
            for item in self._framer.feed(await self._port.read()):
                text = ">" if isinstance(item, Prompt) else item.text
                for each in self._decoder.take(LogLine(0, (text,), Direction.IN)):
                    self._show(each)

    async def ask(self, line: str, within: float) -> bool:
        text = line if self.wants_data else line.strip()
        end = ("" if self._decoder.counts_data else _END_OF_DATA) if self.wants_data else "\r"
        self._ended.clear()
        self._refused = False
        explanation = self._decoder.take(LogLine(0, (text,), Direction.OUT))
        if not self._keyboard.interactive:
            for each in explanation:
                self._keyboard.show(shown(each))
        self._port.write(f"{text}{end}".encode())
        try:
            async with asyncio.timeout(within):
                await self._ended.wait()
        except TimeoutError:
            self._keyboard.show(click.style(f"no final result within {within:g} s", fg="red"))
            return False
        return not self._refused

    def _show(self, each: Explained) -> None:
        if each.kind is Kind.ECHO:
            return
        self._keyboard.show(shown(each))
        if each.kind in {Kind.FINAL, Kind.PROMPT} or each.name == "RDY":
            self._refused = each.kind is Kind.FINAL and "ERROR" in each.name
            self._ended.set()
