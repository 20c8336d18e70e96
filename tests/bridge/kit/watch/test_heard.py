"""What the subcommands over MQTT make of what others publish, whatever it is."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sim7020_bridge.cli.watch import _line, _picture
from sim7020_bridge.kit.watch.heard import Heard, Modems, alert_lines, facts
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
    for tail, payload in messages:
        modems.hear(received(tail, payload))
        assert _line("sim7020", received(tail, payload)).isprintable()
    for modem in modems.by_name.values():
        assert modem.well in {True, False}
        for subject, words in facts(modem):
            assert (subject + words).isprintable()
        assert all(line.isprintable() for line in alert_lines(modem))
    console = Console(width=80, height=24, force_terminal=False)
    with console.capture() as shown:
        console.print(_picture(modems, 24))
    assert "\x1b" not in shown.get()


def shown(modem: Heard) -> tuple[set[str], list[str]]:
    """Return which sockets and what alerts are shown."""
    return {subject for subject, _ in facts(modem) if subject.startswith("socket")}, alert_lines(modem)


def test_what_is_emptied_is_gone() -> None:
    """An alert that is mended and a socket that is taken away are shown no longer."""
    modems = Modems("sim7020")
    document: dict[str, Any] = {"message": "m", "advice": "a"}
    modems.hear(received("availability", b"online"))
    for tail in ("alert/x", "socket/t/state"):
        modems.hear(received(tail, json.dumps(document).encode()))
    assert shown(modems.by_name["shed"]) == ({"socket t"}, ["m: a"])
    for tail in ("alert/x", "socket/t/state"):
        modems.hear(received(tail, b""))
    assert shown(modems.by_name["shed"]) == (set(), [])


def test_what_is_no_modem_s_makes_none() -> None:
    """Requests and noise under the base topic don't make a modem appear."""
    modems = Modems("sim7020")
    modems.hear(received("request/at", b"{}"))
    modems.hear(received("event", b"x"))
    assert modems.by_name == {}
