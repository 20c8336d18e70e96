"""A bridge attacked over MQTT: the emulator's trace shows all that reached the module, the log all that was told."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.campaign.tricks import TRICKS, is_own_line, quoted_in, unprintable_in
from tests.e2e.mqtt_peer import Mqtt5
from tests.e2e.programs import Emulator
from tests.e2e.servers import UdpServer
from tests.e2e.world import Modem, World, udp, world_in

BROKER_WORD = "broker-Passw0rd"
PIN = "4711"
APN_WORD = "apn-Passw0rd"
PAYLOAD = "payload-S3cret"
SECRETS = (BROKER_WORD, PIN, APN_WORD, PAYLOAD, PAYLOAD.encode().hex(), PAYLOAD.encode().hex().upper())
ENCODINGS = ("raw", "text", "hex", "base64", "json")


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
