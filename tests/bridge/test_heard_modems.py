"""What the subcommands over MQTT make of what others publish, whatever it is."""

import json
from collections import deque
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sim7020_bridge.cli.modems import Modems, lines
from sim7020_bridge.cli.watch import _line, _picture
from sim7020_bridge.logs import printable
from sim7020_bridge.mqtt.messages import Received

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-100, 100) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["link", "layer", "signal", "rssi", "pdn", "sent", "messages"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)
TAILS = st.sampled_from(
    ["availability", "info", "state", "alert/x", "socket/t/state", "socket/\x1b[2J/state", "event", "request/at", ""]
)


def received(tail: str, payload: bytes) -> Received:
    """Return a message of a modem."""
    return Received(topic=f"sim7020/shed/{tail}", payload=payload)


@given(st.lists(st.tuples(TAILS, JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=20))))
def test_anything_can_be_shown(messages: list[tuple[str, bytes]]) -> None:
    """No document, right or wrong, keeps a modem from being shown, and none drives the terminal."""
    modems = Modems("sim7020")
    recent: deque[str] = deque()
    for tail, payload in messages:
        modems.take(received(tail, payload))
        recent.append(_line("sim7020", received(tail, payload)))
    for modem in modems.by_name.values():
        assert modem.well in {True, False}
        for subject, words in lines(modem):
            assert (printable(subject) + printable(words)).isprintable()
    console = Console(width=80, height=24, force_terminal=False)
    with console.capture() as shown:
        console.print(_picture(modems, recent, 24))
    assert "\x1b" not in shown.get()


def test_what_is_emptied_is_gone() -> None:
    """An alert that is mended and a socket that is taken away are shown no longer."""
    modems = Modems("sim7020")
    document: dict[str, Any] = {"message": "m", "advice": "a"}
    modems.take(received("availability", b"online"))
    for tail in ("alert/x", "socket/t/state"):
        modems.take(received(tail, json.dumps(document).encode()))
    assert {subject for subject, _ in lines(modems.by_name["shed"])} >= {"ALERT", "socket t"}
    for tail in ("alert/x", "socket/t/state"):
        modems.take(received(tail, b""))
    assert not {subject for subject, _ in lines(modems.by_name["shed"])} & {"ALERT", "socket t"}


def test_what_is_no_modem_s_makes_none() -> None:
    """Requests and noise under the base topic don't make a modem appear."""
    modems = Modems("sim7020")
    modems.take(received("request/at", b"{}"))
    modems.take(received("event", b"x"))
    assert modems.by_name == {}
