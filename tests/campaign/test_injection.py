"""A bridge attacked over MQTT: the emulator's trace shows all that reached the module, the log all that was told."""

import base64
import contextlib
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.campaign.tricks import CHARACTERS, TRICKS, is_own_line, quoted_in, unprintable_in
from tests.e2e.mqtt_peer import Mqtt5
from tests.e2e.programs import Emulator
from tests.e2e.servers import UdpServer, until
from tests.e2e.world import Modem, World, udp, world_in

BROKER_WORD = "broker-Passw0rd"
PIN = "4711"
APN_WORD = "apn-Passw0rd"
PAYLOAD = "payload-S3cret"
SECRETS = (BROKER_WORD, PIN, APN_WORD, PAYLOAD, PAYLOAD.encode().hex(), PAYLOAD.encode().hex().upper())
ENCODINGS = ("raw", "text", "hex", "base64", "json")
AT_ONCE = 12
"""Requests under way at once; the bridge refuses more than 16."""


@pytest.fixture(autouse=True)
def everything_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the bridge log each line of the dialogue, too."""
    monkeypatch.setenv("E2E_DEBUG", "1")


async def attacked(world: World) -> tuple[Modem, Emulator, UdpServer]:
    """Start a bridge with a socket for each encoding, that takes one AT command, and return when all is open."""
    emulator = await world.emulator("--set", "sim=pin", "--set", f"pin={PIN}")
    server = await world.udp()
    sockets = {
        name: udp(server.port, encoding=name, received_topic=f"from/{name}", send_topics=[f"to/{name}/+"])
        for name in ENCODINGS
    }
    shed = await world.shed(
        emulator.place,
        sockets,
        pin=PIN,
        apn="internet",
        apn_username="somebody",
        apn_password=APN_WORD,
        allow_at=["AT+CSQ"],
    )
    return shed, emulator, server


def check(world: World, emulator: Emulator, *, texts: Iterable[str]) -> None:
    """Hold the trace to own commands with known texts, and the log to what may be in it."""
    known = {"internet", "somebody", APN_WORD, "IP", "127.0.0.1", *texts}
    assert ">!" not in emulator.trace, "something unprintable reached the module"
    lines = emulator.commands()
    for line in lines:
        assert is_own_line(line), line
        assert line.startswith("AT+CSOSEND=") or set(quoted_in(line)) <= known, line
    log = world.bridges[0].log
    assert not unprintable_in(log)
    for secret in SECRETS:
        assert secret not in log


def succeeded(response: dict[str, Any]) -> bool:
    """Whether a request was carried out."""
    return bool(response["status"] == "ok")


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


async def test_topics_and_properties_are_only_names(world: World) -> None:
    """Socket names, verbs, identifiers and response topics from outside never reach the module, nor a terminal."""
    shed, emulator, _server = await attacked(world)
    for number, trick in enumerate(TRICKS):
        # a topic has no wildcards and no zero, and this broker lets no control characters through
        word = "".join(each for each in trick if each.isprintable() and each not in "+#/\0")[:64] or "x"
        properties = Mqtt5(user=(("id", word), ("key", word), ("priority", word)), response_topic=f"to/{word}")
        properties = replace(properties, user=(("id", f"topic {number}"), *properties.user[1:]))
        world.mqtt.post(shed.topic(f"socket/{word}/send"), b"x", properties=properties)
        world.mqtt.post(shed.topic(f"request/{word}"), json.dumps({"transaction": trick}))
        world.mqtt.post(shed.topic("request/refresh/more"), b"x")
        world.mqtt.post(
            shed.topic("socket/raw/send"), b"", properties=Mqtt5(user=(("id", f"empty {number} {word}"[:64]),))
        )
        world.mqtt.post(shed.topic("request/at"), json.dumps({"command": [trick]}))
        body = {"socket": trick, "data": "x", "id": trick[:64], "key": trick[:64], "priority": trick}
        world.mqtt.post(shed.topic("request/send"), json.dumps(body))
        world.mqtt.post(shed.topic("request/send"), json.dumps({**body, "socket": "raw", "priority": "low"}))
    for format_character in ("\u202e", "\u2028", "\u200f", "\u2066", "\ufeff", "\xad"):
        world.mqtt.post(shed.topic(f"socket/a{format_character}b/send"), b"x")
        world.mqtt.post(shed.topic(f"request/a{format_character}b"), b"{}")
    response = await shed.request("at", command="AT+CSQ")
    assert succeeded(response)
    check(world, emulator, texts=())


@contextlib.asynccontextmanager
async def at_that_is_open(directory: Path) -> AsyncIterator[tuple[World, Modem, Emulator]]:
    """Run a bridge that takes any AT command."""
    async with world_in(directory) as world:
        emulator = await world.emulator()
        yield world, await world.shed(emulator.place, allow_at=["AT*"]), emulator


async def test_secrets_in_a_persons_own_commands(tmp_path: Path) -> None:
    """Where any AT command is allowed, what is secret in it is masked in the log, and it stays one line."""
    lines = (
        f"AT+CPIN={PIN}",
        f'AT+CPIN="{PIN}"',
        f"at+cpin={PIN}",
        f"AT +CPIN={PIN}",
        f"ATE0+CPIN={PIN}",
        f'AT+CPWD="SC","{PIN}","{PIN}"',
        f'AT+CLCK="SC",1,"{PIN}"',
        f'AT*MCGDEFCONT="IP","internet","somebody","{APN_WORD}"',
        f'AT+CGAUTH=1,1,"somebody","{APN_WORD}"',
        f'AT+CMQCON=0,3,"id",60,1,0,"somebody","{BROKER_WORD}"',
        f'AT+CSTT="internet","somebody","{APN_WORD}"',
        f'AT+CSOSEND=0,28,"{PAYLOAD.encode().hex()}"',
        f'AT+CHTTPCREATE="http://localhost/","somebody","{BROKER_WORD}"',
        f'AT+UNKNOWN="{BROKER_WORD}"',
    )
    async with at_that_is_open(tmp_path) as (world, shed, emulator):
        for line in lines:
            await shed.request("at", command=line)
            refused = await shed.request("at", command=f"{line}\rAT+CFUN=0")
            assert refused["error"]["code"] == "invalid_request"
        assert "AT+CFUN=0" not in emulator.commands()
        log = world.bridges[0].log
        assert not [secret for secret in SECRETS if secret in log]
        assert not unprintable_in(log)
