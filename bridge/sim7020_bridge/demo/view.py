"""Shows the demo: live in a terminal, else a line for each event."""

import asyncio
import contextlib
import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from sim7020_bridge.demo.stage import CONTROL, MODEM, TELEMETRY, Stage
from sim7020_bridge.kit.watch import screen
from sim7020_bridge.kit.watch.heard import LAYERS, Modems
from sim7020_bridge.logs import printable

_REFRESH: Final = 0.2
"""Seconds between two pictures: times that are shown pass, too, when nothing happens."""

_FEWEST_ROWS: Final = 3


class View:
    """A terminal, or what stands in for one."""

    def __init__(self, console: Console | None = None) -> None:
        # Said outright, as variables such as FORCE_COLOR would put control codes into a pipe.
        self._console = console or Console(force_terminal=sys.stdout.isatty(), highlight=False)
        self._live: Live | None = None
        self.animated: Final = self._console.is_terminal and not self._console.is_dumb_terminal

    def say(self, text: str = "") -> None:
        """Print a line as it is, however long."""
        self._console.print(Text(text), soft_wrap=True)

    def event(self, elapsed: float, subject: str, words: str) -> None:
        """Tell that something happened; the live view shows it by itself."""
        if not self.animated:
            self.say(f"{elapsed:6.1f} s  {subject:<8} {printable(words)}")

    @contextlib.contextmanager
    def shown(self, stage: Stage, modems: Modems) -> Iterator[None]:
        """Show what is heard until the end of the block, where the terminal allows it; its last state stays."""
        if not self.animated:
            self.say(f"          page     {stage.url}")
            for line in try_lines(stage):
                self.say(f"          try      {line}")
            yield
            return
        with Live(console=self._console, auto_refresh=False, vertical_overflow="crop") as live:
            self._live = live
            try:
                yield
            finally:
                self._draw(stage, modems)
                self._live = None

    async def animate(self, stage: Stage, modems: Modems) -> None:
        """Keep drawing until cancelled."""
        while True:
            self._draw(stage, modems)
            await asyncio.sleep(_REFRESH)

    def _draw(self, stage: Stage, modems: Modems) -> None:
        if self._live is not None:
            self._live.update(picture(stage, modems, *self._console.size), refresh=True)


def try_lines(stage: Stage) -> tuple[str, ...]:
    """Return the commands to try from another terminal."""
    install = () if shutil.which("mosquitto_pub") else ("apt-get install mosquitto-clients",)
    version = "" if stage.broker.program.any_version else " -V mqttv5"
    to = f"-h {stage.mqtt.host} -p {stage.mqtt.port}{version}"
    return (
        *install,
        f"mosquitto_sub {to} -v -t '#'",
        f"mosquitto_pub {to} -t {TELEMETRY.send_topics[0]} -m 21.5",
        f"mosquitto_pub {to} -t {CONTROL.send_topics[0]} -m open",
    )


def continued(line: str, width: int) -> list[str]:
    """Break a command into lines that fit a terminal, and that a shell takes for the same."""
    if len(line) <= width:
        return [line]
    parts = textwrap.wrap(line, width - 2, break_long_words=False, break_on_hyphens=False)
    return [*(f"{part} \\" for part in parts[:-1]), parts[-1]]


def picture(stage: Stage, modems: Modems, width: int, height: int) -> RenderableType:
    """Return all that the live view shows, for a terminal of that size."""
    modem = modems.modem(MODEM)
    recent = [(message.socket, message) for message in modem.messages]
    lines = [part for line in try_lines(stage) for part in continued(line, width)]
    others = 2 + max(len(LAYERS), 6 + len(modem.sockets)) + len(modem.alerts) + 2 + 2 + 1 + len(lines) + 1
    about = f"sim7020-bridge demo: {stage.broker.program.name} at {stage.mqtt.host}:{stage.mqtt.port}, modem emulated"
    return Group(
        Text(about, "dim", no_wrap=True, overflow="ellipsis"),
        screen.heading(modem),
        Text(),
        screen.one_modem(modem, modems.elapsed, width),
        Text(),
        screen.messages(recent, max(_FEWEST_ROWS, height - others), width),
        Text(),
        Text.assemble(("In a browser: ", "bold"), (stage.url, "cyan")),
        Text("Try it from another terminal (Ctrl-C ends this one):", style="bold"),
        *(Text(line, style="cyan", no_wrap=True, overflow="ignore") for line in lines),
    )
