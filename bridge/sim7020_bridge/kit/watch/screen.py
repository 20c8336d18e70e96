"""Parts of the picture that a terminal shows of modems and their messages."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sim7020_bridge.kit.watch.heard import LAYERS, Heard, alert_lines, brief, facts, how
from sim7020_bridge.kit.watch.messages import Incoming, Outgoing, readable
from sim7020_bridge.logs import printable
from sim7020_bridge.modem.state import Layer

LONGEST_PAYLOAD: Final = 200
WIDEST_TOPIC: Final = 22
WIDEST: Final = 120
"""Columns of the table of messages at most: in a wider one, lines come apart before the eye."""
NARROW: Final = 60
"""Columns of a terminal below which there is room neither for the steps of attaching nor for the times of messages."""
WITH_TOPIC: Final = 76
"""Columns of a terminal from which on there is room for topics."""

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


def heading(modem: Heard) -> Text:
    """Return a line: which modem it is, and how it is."""
    style = "green" if modem.well else "red" if modem.available is False else "yellow"
    return Text.assemble(
        (printable(modem.name), "bold"),
        (f"  \u25cf {how(modem)}", style),
        (f"  {brief(modem)}", "dim"),
        no_wrap=True,
        overflow="ellipsis",
    )


def attachment(modem: Heard, elapsed: float) -> Table:
    """Return the steps of attaching: those that hold with their times, and the one that is waited for."""
    steps = Table.grid(padding=(0, 1))
    steps.add_column(width=1)
    steps.add_column(no_wrap=True)
    steps.add_column(justify="right", no_wrap=True)
    for layer in LAYERS:
        if layer in modem.reached:
            steps.add_row(Text("✓", "green"), _WORDS[layer], Text(seconds(modem.reached[layer]), "dim"))
        elif layer is modem.layer:
            steps.add_row(Text("…", "yellow"), _WORDS[layer], Text(seconds(elapsed - modem.entered), "yellow"))
        else:
            steps.add_row(Text("·", "dim"), Text(_WORDS[layer], "dim"))
    return steps


def details(modem: Heard) -> Table:
    """Return what is known of a modem beside how far it is, a row each."""
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for subject, words in facts(modem):
        if subject != "link":
            table.add_row(Text(subject.removeprefix("socket ")), Text(words))
    return table


def alerts(modem: Heard) -> Iterable[Text]:
    """Return a line for each alert with its advice."""
    return (Text(line, style="red") for line in alert_lines(modem))


def one_modem(modem: Heard, elapsed: float, width: int = 80) -> Group:
    """Return all of one modem but its messages, side by side; a narrow terminal has no room for the steps."""
    if width < NARROW:
        return Group(details(modem), *alerts(modem))
    above = Table.grid(expand=True, padding=(0, 4))
    above.add_column()
    above.add_column(ratio=1)
    above.add_row(attachment(modem, elapsed), details(modem))
    parts: Sequence[RenderableType] = (above, *alerts(modem))
    return Group(*parts)


def overview(modems: Sequence[Heard], rows: int) -> Iterator[Text]:
    """Yield a line for each modem, as many as there is room for, and one with how many more there are."""
    shown = modems if len(modems) <= rows else modems[: rows - 1]
    yield from map(heading, shown)
    if left := modems[len(shown) :]:
        ill = sum(not modem.well for modem in left)
        yield Text(f"and {len(left)} more, {f'{ill} of them not online' if ill else 'all online'}: --modem NAME", "dim")


def messages(recent: Sequence[tuple[str, Outgoing | Incoming]], rows: int, width: int = 80) -> Table:
    """Return a table of the last messages, each with its socket's name: a line each, at any width."""
    shown = recent[-rows:]
    longest = max((len(name) for name, _ in shown), default=0)
    table = Table(box=None, width=min(width, WIDEST), padding=(0, 1, 0, 0), show_edge=False)
    if with_time := width >= NARROW:
        table.add_column("", width=8, justify="right", no_wrap=True, style="dim")
    table.add_column("socket", width=min(max(9, longest), width // 5), no_wrap=True, overflow="ellipsis")
    table.add_column("", width=1)
    if with_topic := width >= WITH_TOPIC:
        table.add_column("topic", width=WIDEST_TOPIC, no_wrap=True, overflow="ellipsis")
    table.add_column("payload", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("receipt", width=21 if with_time else 17, no_wrap=True)
    for name, message in shown:
        data = Text(readable(message.data[:LONGEST_PAYLOAD]))
        topic = Text(printable(message.topic))
        arrow, receipt = Text("←", "green"), Text("received", "dim")
        if isinstance(message, Outgoing):
            arrow, receipt = Text("→", "cyan"), _receipt(message)
            data = Text(printable(message.error), "red") if message.error else data
        about = (topic, data) if with_topic else (data,)
        when = (seconds(message.at),) if with_time else ()
        table.add_row(*when, Text(printable(name)), arrow, *about, receipt)
    for _ in range(rows - len(shown)):
        table.add_row()
    return table


def seconds(value: float) -> str:
    """Write seconds."""
    return f"{value:.1f} s"


def _receipt(message: Outgoing) -> Text:
    if not message.states:
        return Text("…", "dim")
    state, at = list(message.states.items())[-1]
    state = printable(state)
    if state in _FAILURES:
        return Text(f"✗ {state}", "red")
    if message.final:
        return Text(f"✓ {state} {at - message.at:.2f} s", "green")
    return Text(f"{state} …", "yellow")
