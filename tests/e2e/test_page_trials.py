"""What the page tries of ports and brokers, with real ones: told in words, one at a time, and nothing left open."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import serial

from sim7020_bridge.page import broker_trial, ports, probing
from sim7020_bridge.page.administration_routes import made_routes
from sim7020_bridge.page.broker_trial import BrokerTrial
from sim7020_bridge.page.ports import Ports
from sim7020_bridge.page.probing import Probing
from sim7020_bridge.port.holders import Holder
from sim7020_bridge.port.listing import SerialPort
from sim7020_bridge.port.port import Attached
from tests.bridge.page.served import served
from tests.broker import mosquitto
from tests.e2e.programs import Emulator
from tests.packaging.test_docker import make_passwords
from tests.ports import free_port
from tests.pty_peer import PtyPeer
from tests.web import connection, get, post, request, until

NAMES = ("--dns", "example.com=192.0.2.7", "--ping", "192.0.2.7=3,2,2")


class Page:
    """The page's port, and the modems that the bridge is said to have."""

    def __init__(self, directory: Path) -> None:
        self.modems: dict[str, str] = {}
        self.ports = Ports(lambda: self.modems)
        self.probing = Probing(self.ports)
        self.trial = BrokerTrial(directory / "bridge.yaml")
        self.port = 0

    async def probe(self, port: str, **more: object) -> list[dict[str, Any]]:
        """Return what is told of a probe, without what was waited for."""
        answer = await post(self.port, "/api/probe", {"port": port, **more})
        assert answer.status == 200, answer
        lines = [json.loads(line) for line in answer.body.splitlines()]
        return [line for line in lines if "waiting" not in line]

    async def broker(self, **mqtt: object) -> tuple[bool, str]:
        """Return what comes of trying a broker."""
        document = (await post(self.port, "/api/try-broker", mqtt)).document()
        return document["ok"], document["words"]


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    """Serve what can be tried."""
    page = Page(tmp_path)
    handlers = {
        **ports.handlers(page.ports),
        **probing.handlers(page.probing),
        **broker_trial.handlers(page.trial),
    }
    async with served(tmp_path, partial(made_routes, handlers=handlers)) as page.port:
        yield page


@asynccontextmanager
async def module(directory: Path, *arguments: str) -> AsyncIterator[Emulator]:
    """Run an emulated module."""
    emulator = Emulator(directory, "module", ["--baud", "0", "--speed", "0", *arguments])
    await emulator.start()
    try:
        yield emulator
    finally:
        await emulator.stop()


async def test_a_wrong_pin_is_tried_once(page: Page, tmp_path: Path) -> None:
    """However often it is probed with it; how many tries are left is told, and the last one is left to a phone."""
    async with module(tmp_path, "--set", "sim=pin") as emulator:

        async def sim(pin: str) -> tuple[str, str, object]:
            lines = await page.probe(emulator.place, pin=pin, internet=False)
            (found,) = (line for line in lines if line.get("layer") == "sim")
            return found["problem"], found["summary"].partition(": ")[2], found["details"]["pin_tries_left"]

        problem, words, left = await sim("9999")
        assert (problem, words.partition(" (")[0], left) == ("sim_pin", "the PIN was refused", 2)
        for _ in range(2):
            assert await sim("9999") == ("sim_pin", "the one given was tried before and not taken", 2)
        problem, _, left = await sim("8888")
        assert (problem, left) == ("last_pin_try", 1)
        for pin in ("8888", "1234"):
            problem, _, left = await sim(pin)
            assert (problem, left) == ("last_pin_try", 1)


async def test_ports_are_listed(page: Page) -> None:
    """As the command line lists them; that a modem of this bridge has one is said before all else."""
    page.modems = {"shed": "/dev/null"}
    hardware = Attached("/dev/ttyUSB0", 0x1A86, 0x7523, "QinHeng", "USB Serial", "7")
    found = (
        SerialPort("/dev/ttyUSB0", ("/dev/serial/by-id/usb-1a86",), hardware, (), usable=True),
        SerialPort("/dev/ttyS0", (), None, (Holder("minicom", 7), Holder("python", os.getpid())), usable=False),
        SerialPort("/dev/null", (), None, (Holder("python", os.getpid()),), usable=True),
    )
    with patch("sim7020_bridge.page.ports.serial_ports", lambda: found):
        document = (await get(page.port, "/api/ports")).document()
    assert document == {
        "ports": [
            {
                "port": "/dev/ttyUSB0",
                "name": "QinHeng USB Serial",
                "by_id": "/dev/serial/by-id/usb-1a86",
                "used_by": None,
                "usable": True,
                "answers": None,
            },
            {
                "port": "/dev/ttyS0",
                "name": "",
                "by_id": None,
                "used_by": "the program minicom (process 7)",
                "usable": False,
                "answers": None,
            },
            {
                "port": "/dev/null",
                "name": "",
                "by_id": None,
                "used_by": "the modem shed of this bridge",
                "usable": True,
                "answers": None,
            },
        ]
    }


async def test_a_port_is_asked(page: Page, tmp_path: Path) -> None:
    """A module tells its model; silence and a missing device are told in words."""
    async with module(tmp_path, "--attached") as emulator:
        answer = await post(page.port, "/api/ports/ask", {"port": emulator.place})
        assert answer.document() == {
            "port": emulator.place,
            "answers": True,
            "model": "SIM7020E",
            "baudrate": 115200,
            "words": "answers AT: SIM7020E",
        }
    missing = (await post(page.port, "/api/ports/ask", {"port": str(tmp_path / "none")})).document()
    assert (missing["answers"], missing["model"]) == (False, None)
    assert "there is no such device" in missing["words"]


async def test_a_port_of_a_running_modem_is_left_alone(page: Page, tmp_path: Path) -> None:
    """Under whatever name; nothing is written to it. Nor to one that another program has."""
    async with module(tmp_path, "--attached") as emulator:
        page.modems = {"shed": await asyncio.to_thread(os.path.realpath, emulator.place)}
        for path in ("/api/ports/ask", "/api/probe"):
            answer = await post(page.port, path, {"port": emulator.place})
            assert (answer.status, answer.code) == (409, "in_use")
            assert answer.document()["message"] == f"the modem shed of this bridge has {emulator.place}"
        assert emulator.commands() == []
    page.modems = {"shed": "socket://LOCALHOST:4000"}
    answer = await post(page.port, "/api/probe", {"port": "rfc2217://localhost:4000"})
    assert (answer.status, answer.code) == (409, "in_use")
    async with PtyPeer() as peer:
        held = f"{peer.path} is held by the program minicom (process 7)"
        with patch("sim7020_bridge.page.ports.other_holders", lambda _: (Holder("minicom", 7),)):
            answer = await post(page.port, "/api/ports/ask", {"port": peer.path})
        assert (answer.status, answer.document()["message"]) == (409, held)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/ports/ask", {"port": "COM3"}),
        ("/api/ports/ask", {"port": "/dev/ttyUSB0", "baudrate": 7}),
        ("/api/ports/ask", {}),
        ("/api/probe", {"port": 5}),
        ("/api/probe", {"port": "/dev/ttyUSB0", "apn": "a b"}),
        ("/api/probe", {"port": "/dev/ttyUSB0", "pin": "12"}),
        ("/api/probe", {"port": "/dev/ttyUSB0", "timeout": float("nan")}),
        ("/api/probe", {"port": "/dev/ttyUSB0", "timeout": "long"}),
        ("/api/probe", {"port": "/dev/ttyUSB0", "host": 'a"b'}),
        ("/api/probe", {"port": "/dev/ttyUSB0", "internet": "yes"}),
    ],
)
async def test_what_can_t_be_asked_for(page: Page, path: str, body: object) -> None:
    """It is refused in words before anything is opened."""
    answer = await post(page.port, path, body)
    assert (answer.status, answer.code) == (422, "wrong_value")


async def test_a_probe_is_told_as_it_goes(page: Page, tmp_path: Path) -> None:
    """Layer by layer, and at the end the document that the command line prints, identities masked."""
    async with module(tmp_path, "--attached", *NAMES) as emulator:
        *layers, last = await page.probe(emulator.place)
    assert [line["layer"] for line in layers] == [
        *("port", "baud_rate", "module", "firmware", "sim", "signal"),
        *("registration", "apn", "address", "dns", "ping"),
    ]
    assert all(line["ok"] for line in layers)
    assert [line["seconds"] for line in layers] == sorted(line["seconds"] for line in layers)
    document = last["document"]
    assert (last["done"], document["ok"], document["broken"], document["not_reached"]) == (True, True, None, [])
    identities = [document["layers"][2]["details"]["imei"], *(document["layers"][4]["details"].values())]
    assert all(set(identity) == {"*"} for identity in identities)
    assert page.probing.last == document


async def test_a_probe_that_is_broken(page: Page, tmp_path: Path) -> None:
    """The last layer says what to do."""
    async with module(tmp_path, "--set", "sim=absent") as emulator:
        *_, sim, last = await page.probe(emulator.place)
    assert (sim["layer"], sim["ok"], sim["status"]) == ("sim", False, "broken")
    assert sim["advice"] in sim["words"]
    assert last["document"]["broken"] == "sim"


async def test_one_probe_at_a_time_and_none_for_nobody(page: Page, tmp_path: Path) -> None:
    """A second one is refused; once its client goes away, the first one has ended and its port is free."""
    async with module(tmp_path, "--set", "registration=searching") as emulator:
        body = {"port": emulator.place, "timeout": 3600}
        async with connection(page.port, request("POST", "/api/probe", body)) as (reader, _):
            while b'"layer": "signal"' not in await reader.readline():
                pass
            for port in (emulator.place, "/dev/null"):
                answer = await post(page.port, "/api/probe", {"port": port})
                assert (answer.status, answer.code) == (409, "busy")
            assert (await post(page.port, "/api/ports/ask", {"port": emulator.place})).code == "in_use"
        await until(lambda: not page.probing.busy)
        with serial.Serial(emulator.place, exclusive=True):
            pass
        assert (await post(page.port, "/api/ports/ask", {"port": emulator.place})).document()["answers"]


async def test_a_broker_that_accepts_and_one_that_does_not(page: Page, tmp_path: Path) -> None:
    """It is tried as it would be used; what keeps the bridge out is told in the words of the command line."""
    passwords = tmp_path / "passwords"
    make_passwords(passwords, "bridge")
    async with mosquitto(tmp_path, "allow_anonymous false", f"password_file {passwords}") as broker:
        place = {"host": broker.host, "port": broker.port}
        user = {"username": "bridge", "password": "of bridge"}
        named = f"the MQTT broker at {broker.host}:{broker.port}"
        ok, words = await page.broker(**place, **user, tls=False)
        assert (ok, words) == (True, f"{named} accepts the bridge as user bridge")
        ok, words = await page.broker(**{**place, **user, "password": "wrong"}, protocol="3.1.1")
        assert (ok, words.startswith(f"{named} refused the connection")) == (False, True)
        assert "mqtt.username and mqtt.password" in words
        ok, words = await page.broker(**place, username="", password="")
        assert not ok
    ok, words = await page.broker(host="127.0.0.1", port=free_port())
    assert (ok, "nothing listens there" in words) == (False, True)


@pytest.mark.parametrize(
    ("mqtt", "key"),
    [
        ({}, "mqtt.host"),
        ({"host": "a b"}, "mqtt.host"),
        ({"host": "mqtt://a"}, "mqtt.host"),
        ({"host": "a", "port": 0}, "mqtt.port"),
        ({"host": "a", "password": "x"}, "mqtt.password"),
        ({"host": "a", "tls": {"ca_file": "/none"}}, "mqtt.tls.ca_file"),
        ({"host": {"a": "b"}}, "mqtt.host"),
        ({"host": "a", "username": "\ud800"}, "mqtt.username"),
    ],
)
async def test_a_broker_that_can_t_be(page: Page, mqtt: dict[str, object], key: str) -> None:
    """It is a mistake of that key, as in a configuration."""
    document = (await post(page.port, "/api/try-broker", mqtt)).document()
    assert not document["ok"]
    assert [mistake["key"] for mistake in document["mistakes"]] == [key]
    assert key in document["words"]


async def test_one_broker_at_a_time(page: Page) -> None:
    """A second one is refused while the first is tried."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mqtt = {"host": "127.0.0.1", "port": silent.getsockname()[1]}
        answers = await asyncio.gather(*(post(page.port, "/api/try-broker", mqtt) for _ in range(2)))
    assert sorted(answer.status for answer in answers) == [200, 409]
