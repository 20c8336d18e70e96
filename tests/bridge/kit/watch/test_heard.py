"""What the subcommands over MQTT make of what others publish, whatever it is."""

import io
import json
from contextlib import redirect_stdout
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from sim7020_bridge.cli.watch import _picture, _say
from sim7020_bridge.kit.watch.heard import Heard, Modems, alert_lines, facts, since
from sim7020_bridge.mqtt.json_text import dump
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


@example([("state", b'{"link": {"layer": []}}'), ("request/send", b'{"socket": [], "data": "x"}')])
@given(st.lists(st.tuples(TAILS, JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=20))))
def test_anything_can_be_shown(messages: list[tuple[str, bytes]]) -> None:
    """No document, right or wrong, keeps a modem from being shown, and none drives the terminal."""
    told: list[tuple[str, str, str]] = []
    modems = Modems("sim7020", tell=lambda *words: told.append(words))
    for tail, payload in messages:
        modems.hear(received(tail, payload))
    for modem in modems.by_name.values():
        assert modem.well in {True, False}
        for subject, words in facts(modem):
            assert (subject + words).isprintable()
        assert all(line.isprintable() for line in alert_lines(modem))
    console = Console(width=80, height=24, force_terminal=False)
    with console.capture() as shown:
        console.print(_picture(modems, 80, 24))
    assert "\x1b" not in shown.get()
    out = io.StringIO()
    with redirect_stdout(out):
        for name, about, what in told:
            _say(name, about, what)
    assert all(line.isprintable() for line in out.getvalue().splitlines())


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
    assert shown(modems.by_name["shed"]) == ({"socket t"}, ["m. a"])
    for tail in ("alert/x", "socket/t/state"):
        modems.hear(received(tail, b""))
    assert shown(modems.by_name["shed"]) == (set(), [])


def test_what_is_no_modem_s_makes_none() -> None:
    """Requests and noise under the base topic don't make a modem appear."""
    modems = Modems("sim7020")
    modems.hear(received("request/at", b"{}"))
    modems.hear(received("event", b"x"))
    assert modems.by_name == {}


def many() -> Modems:
    """Return fourteen modems, two of them in trouble."""
    modems = Modems("sim7020")
    for number in range(14):
        state = {"link": {"layer": "online", "reason": None}, "signal": {"rssi": -69}, "outbox": {"messages": number}}
        if number == 7:
            state["link"] = {"layer": "registration", "reason": "searching for a network"}
        for tail, payload in (("availability", b"offline" if number == 9 else b"online"), ("state", dump(state))):
            modems.hear(Received(topic=f"sim7020/m{number:02}/{tail}", payload=payload))
    return modems


def test_many_modems_have_a_line_each() -> None:
    """However low the terminal, those in trouble come first, and it is said how many there is no room for."""
    modems = many()
    for height, shown in ((40, 14), (24, 14), (12, 4)):
        console = Console(width=80, height=height, force_terminal=False)
        with console.capture() as captured:
            console.print(_picture(modems, 80, height))
        lines = captured.get().splitlines()
        assert len(lines) <= height
        modem_lines = [line for line in lines if line.startswith("m")]
        assert len(modem_lines) == shown
        assert modem_lines[0].startswith("m07  \u25cf registration  searching for a network, -69 dBm, 7 wait")
        assert modem_lines[1].startswith("m09  \u25cf bridge offline")
        assert ("and 10 more, all online: --modem NAME" in lines) is (shown < 14)
        assert any(line.lstrip().startswith("socket") for line in lines)


@pytest.mark.parametrize(
    ("width", "names"), [(100, ["m00/telemetry", "m01/telemetry"]), (44, ["m00/tel…", "m01/tel…"])]
)
def test_messages_of_several_modems(width: int, names: list[str]) -> None:
    """Each message has its modem, and in a narrow terminal still its payload and what became of it."""
    modems = Modems("sim7020")
    for name in ("m00", "m01"):
        for tail, document in (
            ("info", {"sockets": [{"name": "telemetry", "send_topics": []}]}),
            ("state", {"link": {"layer": "online"}}),
            ("request/send", {"socket": "telemetry", "data": "21.5"}),
            ("socket/telemetry/receipt", {"id": "a", "state": "accepted", "final": True}),
        ):
            modems.hear(Received(topic=f"sim7020/{name}/{tail}", payload=json.dumps(document).encode()))
    console = Console(width=width, height=40, force_terminal=False)
    with console.capture() as captured:
        console.print(_picture(modems, width, 40))
    sent = [line for line in captured.get().splitlines() if "→" in line]
    for line, name in zip(sent, names, strict=True):
        assert name in line
        assert "21.5" in line
        assert "✓ accepted" in line


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-01-01T11:59:30.000Z", "for 30 s"),
        ("2026-01-01T11:49:00Z", "for 11 min"),
        ("2026-01-01T01:00:00+00:00", "for 11 h"),
        ("2025-12-01T12:00:00Z", "for 31 d"),
        ("2026-01-01T12:00:05Z", "for 0 s"),
        ("soon", "since soon"),
        ("2026-01-01T12:00:05", "since 2026-01-01T12:00:05"),
        (None, "since None"),
    ],
)
def test_how_long(moment: object, words: str) -> None:
    """People are told for how long something has been so."""
    assert since(moment, datetime(2026, 1, 1, 12, tzinfo=UTC)) == words
