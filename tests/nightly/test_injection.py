"""Every byte and every trick through every encoding and every request, at a real bridge; and every configured text."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.campaign.test_injection import APN_WORD, ENCODINGS, PAYLOAD, attacked, check, everything_is_logged, succeeded
from tests.campaign.test_injection_commands import TEXTS, stay_in_quotes
from tests.campaign.tricks import CHARACTERS, TRICKS, quoted_in
from tests.e2e.mqtt_peer import Mqtt5
from tests.e2e.servers import until
from tests.e2e.world import Modem, World

__all__ = ["everything_is_logged"]

AT_ONCE = 12
"""Requests under way at once; the bridge refuses more than 16."""


def in_encoding(name: str, data: bytes) -> bytes:
    """Write bytes as a socket's encoding has them."""
    match name:
        case "hex":
            return data.hex().encode()
        case "base64":
            return base64.b64encode(data)
        case "json":
            return json.dumps({"data_hex": data.hex()}).encode()
    return data


def payloads() -> Iterator[tuple[str, bytes, bytes]]:
    """Yield encodings, what is published, and the bytes that it stands for."""
    for name in ENCODINGS:
        for character in CHARACTERS:
            data = character.encode("utf-8" if name == "text" else "latin-1")
            yield name, in_encoding(name, data), data
        for trick in (*TRICKS, PAYLOAD):
            if len(trick.encode()) <= 512:
                yield name, in_encoding(name, trick.encode()), trick.encode()


async def test_payloads_arrive_and_nothing_else(world: World) -> None:
    """Every byte value and every trick, in every encoding, goes as hex and comes out whole on the other side."""
    shed, emulator, server = await attacked(world)
    expected = []
    for number, (name, payload, data) in enumerate(payloads()):
        expected.append(data)
        topic = shed.topic(f"socket/{name}/send") if number % 2 else f"to/{name}/{number}"
        world.mqtt.post(topic, payload, properties=Mqtt5(user=(("id", f"m{number}"), ("odd", PAYLOAD))))
    await until(lambda: len(server.datagrams) >= len(expected))
    assert sorted(server.datagrams) == sorted(expected)
    sent = [line for line in emulator.commands() if line.startswith("AT+CSOSEND=")]
    assert sorted(bytes.fromhex(quoted_in(line)[0]) for line in sent) == sorted(expected)
    check(world, emulator, texts=())


async def test_requests_stay_in_their_quotes(world: World) -> None:
    """Whatever hosts, names, credentials and AT commands are asked for, none gets out of its quotes."""
    shed, emulator, _server = await attacked(world)
    before = len(emulator.commands())
    texts = [f"a{character}b" for character in CHARACTERS] + list(TRICKS)
    bodies: list[tuple[str, dict[str, Any]]] = []
    for text in texts:
        bodies += [("ping", {"host": text, "count": 1}), ("resolve", {"name": text})]
        bodies += [("at", {"command": f"{text}{line}"}) for line in ("AT+CSQ", "")]
        bodies += [("at", {"command": f"AT+CSQ{text}"}), ("at", {"command": f"AT+CSQ;{text}"})]
        if not (text.isascii() and text.isprintable()) or '"' in text or "\\" in text or len(text) > 255:
            bodies += [
                ("set_apn", {"apn": text}),
                ("set_apn", {"apn": "internet", "username": text}),
                ("set_apn", {"apn": "internet", "password": text}),
            ]
    answered = await asked(shed, bodies)
    assert all(
        not succeeded(response) for (verb, _), response in zip(bodies, answered, strict=True) if verb == "set_apn"
    )
    allowed = [
        response for (verb, _), response in zip(bodies, answered, strict=True) if verb == "at" and succeeded(response)
    ]
    assert {response["data"]["command"] for response in allowed} <= {"AT+CSQ"}
    printable = "".join(chr(value) for value in range(0x20, 0x7F) if chr(value) not in '"\\')
    for username in (printable[:48], printable[48:]):
        response = await shed.request("set_apn", apn="internet", username=username, password=APN_WORD)
        assert succeeded(response), response
    assert len(emulator.commands()) > before
    check(world, emulator, texts=(*texts, printable[:48], printable[48:]))


@TEXTS
def test_a_configured_text_stays_in_its_quotes(tmp_path: Path, key: str) -> None:
    """Whatever character stands in a configuration, it is refused in printable words or stays in its quotes."""
    stay_in_quotes(tmp_path / "bridge.yaml", key, (f"a{character}b" for character in CHARACTERS))


async def asked(shed: Modem, bodies: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Make requests, some at once, and return the responses in their order."""
    responses: dict[int, dict[str, Any]] = {}

    def take(heard: Any) -> None:
        if "/response/" in heard.topic:
            response = heard.json()
            if isinstance(response["transaction"], int) and response["transaction"] >= 10**6:
                responses[response["transaction"] - 10**6] = response

    shed.mqtt.watch(take)
    for number, (verb, body) in enumerate(bodies):
        payload = json.dumps({"transaction": 10**6 + number, **body})
        shed.mqtt.post(shed.topic(f"request/{verb}"), payload)
        await until(lambda number=number: len(responses) > number - AT_ONCE)  # type: ignore[misc]  # mypy on defaults
    await until(lambda: len(responses) == len(bodies))
    return [responses[number] for number in range(len(bodies))]
