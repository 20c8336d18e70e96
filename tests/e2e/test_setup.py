"""The first start: from no configuration to a bridge that runs by the one that was written, in one process."""

import json
import re
import signal
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sim7020_bridge.http.passwords import hashed, write_passwords
from sim7020_bridge.http.role import Role
from tests.e2e.programs import BridgeProcess
from tests.e2e.service_kit import logged, shell
from tests.e2e.world import World, udp
from tests.ports import free_port
from tests.web import Answer, get, post, request, send

USER = {"username": "u", "password": "geheim"}


class Start:
    """A bridge that was told to be set up."""

    def __init__(self, directory: Path, host: str = "127.0.0.1") -> None:
        self.port = free_port()
        self.file = directory / "first.yaml"
        self.bridge = BridgeProcess(self.file, options=("--setup", "--listen", f"{host}:{self.port}"))

    async def begin(self) -> None:
        """Start it, and return once its page is there."""
        await self.bridge.start()
        await logged(self.bridge, "in a browser to set the bridge up")

    async def session(self, **fields: str) -> dict[str, Any]:
        """Return what the page is told."""
        document: dict[str, Any] = (await get(self.port, "/api/session", **fields)).document()
        return document

    async def write(self, form: Mapping[str, object], **fields: str) -> Answer:
        """Have a configuration written."""
        return await post(self.port, "/api/setup", form, **fields)

    async def runs(self) -> None:
        """Return once the bridge runs."""
        await logged(self.bridge, "the page, health and metrics are at")


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Return a bridge whose state is in the test's own directory."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    return Start(tmp_path)


@asynccontextmanager
async def begun(start: Start) -> AsyncIterator[Start]:
    """Set up for as long as the block lasts."""
    try:
        await start.begin()
        yield start
    finally:
        await start.bridge.stop()


def form(port: str = "/dev/none", **mqtt: object) -> dict[str, Any]:
    """Return what a form says."""
    # a bridge of a modem of that name may run on this machine, at the usual port
    return {"mqtt": {"host": "127.0.0.1", "port": free_port(), **mqtt}, "modem": {"name": "shed", "port": port}}


def mode(file: Path) -> int:
    """Return who may do what."""
    return stat.S_IMODE(file.stat().st_mode)


async def test_from_nothing_to_the_first_message(world: World, start: Start) -> None:
    """The page writes what it was told, secrets apart; then the bridge runs by it, at the same port."""
    emulator, server = await world.emulator(), await world.udp()
    await world.add(start.bridge, "shed")
    await logged(start.bridge, f"open http://127.0.0.1:{start.port} in a browser to set the bridge up")
    process = start.bridge.process
    assert await start.session() | {"host": "", "version": "", "time": ""} == {
        "role": "full",
        "password": False,
        "setup": True,
        "modems": [],
        "base_topic": "sim7020",
        "host": "",
        "version": "",
        "time": "",
    }
    broker = {"host": world.broker.host, "port": world.broker.port, "username": "bridge", "password": "geheim"}
    assert (await post(start.port, "/api/try-broker", broker)).document()["ok"]
    asked = (await post(start.port, "/api/ports/ask", {"port": emulator.place})).document()
    assert asked["model"] == "SIM7020E"
    answer = await start.write(
        {
            "mqtt": {**broker, "tls": False},
            "modem": {"name": "shed", "port": emulator.place, "apn": "", "pin": "0000"},
            "sockets": {"telemetry": dict(udp(server.port))},
        }
    )
    assert (answer.status, answer.document()) == (200, {"path": str(start.file)})
    shed = world.modem("shed")
    await shed.online()
    await shed.open("telemetry")
    await shed.send("telemetry", b"first", "m1")
    await shed.receipt("telemetry", "m1", "accepted")
    await server.has(b"first")
    assert start.bridge.process is process
    assert not (await start.session())["setup"]
    directory = start.file.parent
    assert [mode(directory / name) for name in ("first.yaml", "mqtt-password", "sim-pin")] == [0o600] * 3
    assert ((directory / "mqtt-password").read_text(), (directory / "sim-pin").read_text()) == ("geheim\n", "0000\n")
    text = start.file.read_text()
    assert "geheim" not in text + start.bridge.log
    assert "# " in text
    # the configuration that was written is one that the page can change
    document = (await get(start.port, "/api/configuration")).document()
    assert (document["text"], document["secrets"], document["writable"]) == (text, [], True)


async def test_a_broker_that_the_environment_names(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked for it, it is what is tried and what the bridge uses; its password stays where it is."""
    secret = start.file.parent / "of-the-supervisor"
    secret.write_text("geheim")
    port = free_port()
    broker = {"HOST": "127.0.0.1", "PORT": str(port), "USERNAME": "addons", "PASSWORD_FILE": str(secret)}
    for name, value in broker.items():
        monkeypatch.setenv(f"SIM7020_MQTT__{name}", value)
    monkeypatch.setenv("SIM7020_MODEMS__SHED__APN", "a.b")
    async with begun(start):
        document = (await get(start.port, "/api/setup")).document()
        assert document["mqtt"] == {"place": f"127.0.0.1:{port}", "username": "addons", "tls": False}
        tried = (await post(start.port, "/api/try-broker", {})).document()
        assert (tried["ok"], f"127.0.0.1:{port} can't be reached" in tried["words"]) == (False, True)
        answer = await start.write({"mqtt": {"host": "other", "password": "x"}, "modem": form()["modem"]})
        assert answer.status == 200, answer
        await start.runs()
        await logged(start.bridge, f"the MQTT broker at 127.0.0.1:{port} can't be reached")
        assert f"port: {port}" in start.file.read_text()
        assert sorted(path.name for path in start.file.parent.glob("*password*")) == []


async def test_inside_home_assistant(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes by the Supervisor needs no code, and stays at the same port once the bridge runs."""
    ingress = free_port()
    monkeypatch.setenv("SIM7020_HTTP__INGRESS__PORT", str(ingress))
    monkeypatch.setenv("SIM7020_HTTP__INGRESS__SUPERVISOR", "127.0.0.1")
    try:
        await start.bridge.start()
        await logged(start.bridge, "open the app's page in Home Assistant to set the bridge up")
        session = (await get(ingress, "/api/session")).document()
        assert (session["role"], session["setup"], session["password"]) == ("full", True, False)
        assert (await post(ingress, "/api/setup", form())).status == 200
        await start.runs()
        assert not (await get(ingress, "/api/session")).document()["setup"]
        assert "ingress" not in start.file.read_text()
    finally:
        await start.bridge.stop()


async def test_mistakes_are_told_and_nothing_is_written(start: Start) -> None:
    """Each with its key as the file has it; what was right before the mistake leaves nothing behind either."""
    async with begun(start):
        answer = await start.write(
            {
                "mqtt": {"host": "a b", "password": "geheim"},
                "modem": {"name": "Shed!", "port": "COM3", "pin": "12"},
                "sockets": {"t": {"protocol": "sctp", "host": "h"}},
            }
        )
        assert (answer.status, answer.code) == (422, "mistakes")
        told = {mistake["key"]: mistake["message"] for mistake in answer.document()["mistakes"]}
        assert {"mqtt.host", "mqtt.password", "modems.Shed!", "modems.Shed!.port", "modems.Shed!.pin"} < told.keys()
        assert {"modems.Shed!.sockets.t.protocol", "modems.Shed!.sockets.t.port"} < told.keys()
        assert "geheim" not in json.dumps(told)
        for wrong, key in (
            ({"mqtt": [], "modem": {}}, "mqtt"),
            ({"mqtt": {}, "modem": 1}, "modem"),
            ({"mqtt": {}, "sockets": {"t": None}}, "sockets.t"),
            ({}, "mqtt.host"),
            ({**form(), "page": {"password": "short"}}, "page.password"),
            ({**form(), "page": {"password": "x" * 2000}}, "page.password"),
        ):
            answer = await start.write(wrong)
            assert answer.status == 422
            assert key in [mistake["key"] for mistake in answer.document()["mistakes"]]
        assert sorted(path.name for path in start.file.parent.iterdir()) == ["first.log"]
        assert (await start.session())["setup"]


async def test_what_can_t_be_written(start: Start) -> None:
    """A file that came meanwhile is kept, a directory that went away is told, and no secret stays behind."""
    async with begun(start):
        start.file.write_text("theirs")
        answer = await start.write(form())
        assert (answer.status, answer.code) == (409, "there_already")
        assert start.file.read_text() == "theirs"
        start.file.unlink()
        (start.file.parent / "mqtt-password").write_text("of another bridge")
        start.file.symlink_to("gone/bridge.yaml")
        answer = await start.write(form(**USER))
        assert (answer.status, answer.code) == (409, "not_written")
        assert "there is no directory" in answer.document()["message"]
        start.file.unlink()
        assert sorted(path.name for path in start.file.parent.iterdir()) == ["first.log", "mqtt-password"]
        assert (await start.write(form(**USER))).status == 200
        await start.runs()
        assert (start.file.parent / "mqtt-password").read_text() == "of another bridge"
        assert (start.file.parent / "mqtt-password-2").read_text() == "geheim\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it(start: Start, number: signal.Signals) -> None:
    """In good order, with nothing written; others are none of its business."""
    async with begun(start):
        assert start.bridge.process is not None
        for other in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            start.bridge.process.send_signal(other)
        assert (await start.session())["setup"]
        await start.bridge.stop(number)
    assert not start.file.exists()


async def test_a_signal_between_set_up_and_bridge(start: Start) -> None:
    """It is not lost, whichever of the two is told: the process ends in good order."""
    await start.begin()
    try:
        assert (await start.write(form())).status == 200
    finally:
        await start.bridge.stop()
    assert start.file.exists()


async def test_a_port_that_is_taken(start: Start) -> None:
    """It is said, and that is the end."""
    with socket.create_server(("127.0.0.1", start.port)):
        status, out, err = await shell("run", "--setup", "--listen", f"127.0.0.1:{start.port}", start.file)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert f"127.0.0.1:{start.port} can't be listened at" in err
    assert "address already in use" in err


async def test_a_place_that_can_t_be_written_to(start: Start) -> None:
    """It is said before anybody fills in a form."""
    file = start.file.parent / "none" / "bridge.yaml"
    status, out, err = await shell("run", "--setup", file)
    assert (status, out) == (1, "")
    assert err == f"{file} can't be written: there is no directory {file.parent}\n"


async def test_with_a_configuration_it_only_runs(start: Start) -> None:
    """That is said in one line; a mistake in it is one as ever."""
    start.file.write_text(json.dumps({"mqtt": {"host": "127.0.0.1"}, "modems": {"shed": {"port": "COM3"}}}))
    status, _, err = await shell("run", "--setup", start.file)
    assert status == 2
    first, *mistakes = err.splitlines()
    assert first == f"{start.file} is there, so it is not set up anew"
    assert "modems.shed.port" in mistakes[0]
    start.file.write_text(json.dumps({"mqtt": form()["mqtt"], "modems": {"shed": {"port": "/dev/none"}}}))
    await start.bridge.start()
    await logged(start.bridge, "modem shed at /dev/none")
    await start.bridge.stop()
    assert "in a browser" not in start.bridge.log


async def test_only_with_setup(start: Start) -> None:
    """Without a file, the other way to start is no way to be set up."""
    for arguments in (("--listen", "127.0.0.1:1", start.file), ()):
        status, _, err = await shell("run", *arguments)
        assert (status, "--listen is for --setup" in err or "name the configuration" in err) == (2, True)
    status, _, err = await shell("run", "--setup", "--listen", "a b", start.file)
    assert (status, "--listen" in err) == (2, True)


async def test_from_another_computer(start: Start, tmp_path: Path) -> None:
    """It takes the code of the log, which is worth nothing afterwards: then the password that was chosen is wanted."""
    start = Start(tmp_path, "0.0.0.0")  # noqa: S104 - as others reach it
    async with begun(start):
        await logged(start.bridge, "until the configuration is written")
        assert f"open http://{socket.gethostname()}:{start.port} in a browser" in start.bridge.log
        (code,) = re.findall(r"the password there is ([a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}) until", start.bridge.log)
        answer = await start.write(form())
        assert (answer.status, answer.code) == (401, "log_in")
        assert (await post(start.port, "/api/login", {"password": "wrong"})).status == 401
        cookie = (await post(start.port, "/api/login", {"password": code})).cookie
        assert (await start.session(Cookie=cookie))["setup"]
        answer = await start.write(form(), Cookie=cookie)
        assert [mistake["key"] for mistake in answer.document()["mistakes"]] == ["page.password"]
        answer = await start.write({**form(), "page": {"password": "my own words"}}, Cookie=cookie)
        assert answer.status == 200
        await start.runs()
        assert 'host: "0.0.0.0"' in start.file.read_text()
        assert (await get(start.port, "/api/session", Cookie=cookie)).status == 401
        assert (await post(start.port, "/api/login", {"password": code})).status == 401
        cookie = (await post(start.port, "/api/login", {"password": "my own words"})).cookie
        assert (await start.session(Cookie=cookie))["role"] == "full"
        assert code not in start.file.read_text()


async def test_from_another_computer_with_a_password(start: Start, tmp_path: Path) -> None:
    """Whoever set one from the shell logs in with that; there is no code, and it stays."""
    write_passwords(tmp_path / "page.passwords", {Role.FULL: hashed("my own words")})
    (tmp_path / "state").mkdir()
    (tmp_path / "page.passwords").rename(tmp_path / "state" / "page.passwords")
    start = Start(tmp_path, "0.0.0.0")  # noqa: S104 - as others reach it
    async with begun(start):
        assert "the password there is" not in start.bridge.log
        cookie = (await post(start.port, "/api/login", {"password": "my own words"})).cookie
        assert (await start.write(form(), Cookie=cookie)).status == 200
        await start.runs()
        assert (await post(start.port, "/api/login", {"password": "my own words"})).status == 204


async def test_another_site_s_page_sets_nothing_up(start: Start) -> None:
    """Neither a form of another site nor a name that leads here by somebody else's doing."""
    async with begun(start):
        for fields in ({"Origin": "http://evil.example"}, {"Origin": ""}, {"Content-Type": "text/plain"}):
            assert (await start.write(form(), **fields)).status in {403, 415}
        answer = await send(start.port, request("POST", "/api/setup", form(), host="evil.example"))
        assert answer.status in {403, 421}
    assert not start.file.exists()
