"""Shows the picture: live in a terminal, else a line for each event. The only file that knows rich."""

import asyncio
import contextlib
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sim7020_bridge.demo.picture import LAYERS, Outgoing, Picture, readable
from sim7020_bridge.demo.stage import CONTROL, SOCKETS, TELEMETRY, Stage
from sim7020_bridge.modem.state import Layer

_REFRESH: Final = 0.2
"""Seconds between two pictures: times that are shown pass, too, when nothing happens."""

_FEWEST_ROWS: Final = 3
_LONGEST: Final = 200
_TOPIC: Final = max(len(topic) for socket in SOCKETS for topic in socket.send_topics)
_WORDS: Final = {
    Layer.PORT: "serial port open",
    Layer.AT: "module answers",
    Layer.SIM: "SIM ready",
    Layer.RADIO: "radio on",
    Layer.REGISTRATION: "registered",
    Layer.PDN: "PDN active",
    Layer.ONLINE: "online",
}
_FAILURES: Final = {"failed", "expired", "rejected"}


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
            self.say(f"{elapsed:6.1f} s  {subject:<8} {readable(words.encode())}")

    @contextlib.contextmanager
    def shown(self, stage: Stage, picture: Picture) -> Iterator[None]:
        """Show the picture until the end of the block, where the terminal allows it; its last state stays."""
        if not self.animated:
            for line in try_lines(stage):
                self.say(f"          try      {line}")
            yield
            return
        with Live(console=self._console, auto_refresh=False, vertical_overflow="crop") as live:
            self._live = live
            try:
                yield
            finally:
                self._draw(stage, picture)
                self._live = None

    async def animate(self, stage: Stage, picture: Picture) -> None:
        """Keep drawing until cancelled."""
        while True:
            self._draw(stage, picture)
            await asyncio.sleep(_REFRESH)

    def _draw(self, stage: Stage, picture: Picture) -> None:
        if self._live is not None:
            self._live.update(_render(stage, picture, self._console.size.height), refresh=True)


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


def _render(stage: Stage, picture: Picture, height: int) -> RenderableType:
    above = Table.grid(expand=True, padding=(0, 2))
    above.add_column(ratio=1)
    above.add_column(ratio=1)
    above.add_row(_attachment(picture), _module(picture))
    lines = try_lines(stage)
    others = 3 + len(LAYERS) + 2 + 2 + len(lines) + 1
    return Group(
        _header(stage, picture),
        _status(picture),
        Text(),
        above,
        Text(),
        _messages(picture, max(_FEWEST_ROWS, height - others)),
        Text(),
        Text("Try it from another terminal (Ctrl-C ends this one):", style="bold"),
        *(Text(line, style="cyan", no_wrap=True, overflow="ignore") for line in lines),
    )


def _header(stage: Stage, picture: Picture) -> Text:
    dot, style = ("●", "green") if picture.available else ("○", "yellow")
    return Text.assemble(
        ("sim7020-bridge demo ", "bold"),
        (f"{dot} bridge  ", style),
        (f"{stage.broker.program.name} at {stage.mqtt.host}:{stage.mqtt.port}  modem emulated", "dim"),
        no_wrap=True,
        overflow="ellipsis",
    )


def _status(picture: Picture) -> Text:
    """Say what the modem is waiting for, in the bridge's words."""
    if picture.layer is None:
        return Text("the bridge is starting", "yellow")
    if picture.reason:
        return Text(
            f"{picture.layer}: {readable(picture.reason.encode())}", "yellow", no_wrap=True, overflow="ellipsis"
        )
    return Text(f"{picture.layer} after {_seconds(picture.entered)}", "green")


def _attachment(picture: Picture) -> Table:
    steps = Table.grid(padding=(0, 1))
    steps.add_column(width=1)
    steps.add_column(no_wrap=True)
    steps.add_column(justify="right", no_wrap=True)
    for layer in LAYERS:
        if layer in picture.reached:
            steps.add_row(Text("✓", "green"), _WORDS[layer], Text(_seconds(picture.reached[layer]), "dim"))
        elif layer is picture.layer:
            waited = _seconds(picture.elapsed - picture.entered)
            steps.add_row(Text("…", "yellow"), _WORDS[layer], Text(waited, "yellow"))
        else:
            steps.add_row(Text("·", "dim"), Text(_WORDS[layer], "dim"))
    return steps


def _module(picture: Picture) -> Table:
    modem = _part(picture.info, "modem")
    signal, registration = _part(picture.state, "signal"), _part(picture.state, "registration")
    pdn = _part(picture.state, "pdn")
    sockets = [f"{name} {state.get('phase')}" for name, state in picture.socket_states.items()]
    operator = [value for value in (registration.get("operator"), registration.get("plmn")) if value]
    facts = {
        "module": _joined(" ", modem.get("manufacturer"), modem.get("model")),
        "firmware": _joined("", modem.get("firmware")),
        "IMEI": _joined("", modem.get("imei")),
        "operator": _joined(" ", *operator, registration.get("technology")),
        "signal": _joined("", _unit(signal.get("rssi"), "dBm"), _unit(signal.get("rsrp"), "dBm", ", RSRP ")),
        "address": _joined(" on ", pdn.get("address"), pdn.get("apn")),
        "sockets": _joined(", ", *sockets),
    }
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for name, value in facts.items():
        table.add_row(name, _known(value))
    return table


def _messages(picture: Picture, rows: int) -> Table:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("", width=8, justify="right", no_wrap=True, style="dim")
    table.add_column("socket", width=9, no_wrap=True)
    table.add_column("", width=1)
    table.add_column("topic", width=_TOPIC, no_wrap=True, overflow="ellipsis")
    table.add_column("payload", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("receipt", width=21, no_wrap=True)
    recent = list(picture.messages)[-rows:]
    for message in recent:
        data = Text(readable(message.data[:_LONGEST]))
        topic = Text(readable(message.topic.encode()))
        arrow, receipt = Text("←", "green"), Text("received", "dim")
        if isinstance(message, Outgoing):
            arrow, receipt = Text("→", "cyan"), _receipt(message)
            data = Text(readable(message.error.encode()), "red") if message.error else data
        table.add_row(_seconds(message.at), message.socket, arrow, topic, data, receipt)
    for _ in range(rows - len(recent)):
        table.add_row()
    return table


def _receipt(message: Outgoing) -> Text:
    if not message.states:
        return Text("…", "dim")
    state, at = list(message.states.items())[-1]
    if state in _FAILURES:
        return Text(f"✗ {state}", "red")
    if message.final:
        return Text(f"✓ {state} {at - message.at:.2f} s", "green")
    return Text(f"{state} …", "yellow")


def _part(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    part = document.get(key)
    return part if isinstance(part, dict) else {}


def _joined(by: str, *parts: object) -> str:
    return by.join(str(part) for part in parts if part)


def _unit(value: object, unit: str, before: str = "") -> str:
    return f"{before}{value} {unit}" if isinstance(value, int | float) else ""


def _known(value: str | None) -> Text:
    """Write what a stranger said, or a dash where nothing is known."""
    return Text(readable(value.encode())) if value else Text("-", "dim")


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s"
