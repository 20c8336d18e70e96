"""What a terminal shows of messages that went wrong or are strange."""

import io
import json

from rich.console import Console

from sim7020_bridge.demo.stage import BASE, MODEM
from sim7020_bridge.kit.watch import screen
from sim7020_bridge.kit.watch.heard import Heard, Modems
from sim7020_bridge.mqtt.messages import Received
from tests.bridge.kit.watch.test_messages import INFO, TOPICS


def drawn(modem: Heard, width: int = 80) -> list[str]:
    """Draw the messages and return the lines."""
    output = io.StringIO()
    Console(file=output, width=width).print(screen.messages([(each.socket, each) for each in modem.messages], 4, width))
    return output.getvalue().splitlines()


def heard(*published: tuple[str, object]) -> Heard:
    """Return a modem of which these messages were heard."""
    modems = Modems(BASE, MODEM)
    for topic, payload in ((TOPICS.info, INFO), *published):
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        modems.hear(Received(topic=topic, payload=data))
    return modems.modem(MODEM)


def test_a_failed_message_shows_the_reason_in_place_of_its_payload() -> None:
    """Why a message was not sent is worth more room than what it was."""
    error = {"code": "too_large", "message": "600 bytes don't fit"}
    receipt = {"id": "a", "state": "rejected", "final": True, "error": error}
    lines = drawn(heard(("greenhouse/temperature", b"x" * 600), (TOPICS.receipt("telemetry"), receipt)), 100)
    assert "600 bytes don't fit" in lines[1]
    assert "✗ rejected" in lines[1]


def test_each_message_has_one_line_at_any_width() -> None:
    """Long and strange payloads are cut, so that the picture keeps its place."""
    messages = heard(
        ("greenhouse/temperature", b"21.5"),
        ("greenhouse/commands", b"\x1b[2J\n" * 90),
        (TOPICS.send("control"), "\u6f22".encode() * 300),
        (TOPICS.receipt("control"), {"id": "a", "state": "sending", "final": False}),
    )
    for width in (40, 60, 80, 200):
        lines = drawn(messages, width)
        assert len(lines) == 5
        assert not any("\x1b" in line for line in lines)
        assert "21.5" in lines[1]
    assert "greenhouse/temperature" in drawn(messages)[1]
    assert "sending …" in drawn(messages)[3]


def test_a_wide_terminal_does_not_tear_lines_apart() -> None:
    """What belongs together stands together: steps beside facts, and a message's receipt near its payload."""
    modem = heard(("greenhouse/temperature", b"21.5"), (TOPICS.state, {"link": {"layer": "online"}}))
    output = io.StringIO()
    Console(file=output, width=200).print(screen.one_modem(modem, 0.0))
    assert output.getvalue().splitlines()[0].index("module  ") < 40
    assert max(len(line.rstrip()) for line in drawn(modem, 200)) <= screen.WIDEST


def test_only_the_last_messages_are_shown() -> None:
    """There are as many rows as fit, and the newest are among them."""
    lines = drawn(heard(*(("greenhouse/temperature", str(count).encode()) for count in range(9))))
    assert [line.split()[5] for line in lines[1:]] == ["5", "6", "7", "8"]
