"""Brokers and clients that mean harm, or are set up wrongly: the log says what is wrong, and no secret."""

import asyncio
import contextlib
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from sim7020_bridge.config.model import MqttProtocol
from tests.broker import Mosquitto, mosquitto
from tests.campaign.authority import Authority
from tests.campaign.tricks import unprintable_in
from tests.e2e.mqtt_peer import MqttPeer
from tests.e2e.programs import BridgeProcess
from tests.e2e.servers import until
from tests.e2e.service_kit import shell
from tests.e2e.world import BROKER, World, run, udp

WORD = "Passw0rd-of-the-broker"
PROTOCOLS = pytest.mark.parametrize("protocol", MqttProtocol)


@contextlib.asynccontextmanager
async def guarded(directory: Path, *config: str) -> AsyncIterator[tuple[World, Mosquitto]]:
    """Run a broker that is guarded so, beside a world around an open one; the bridge is to use the former."""
    (directory / "open").mkdir()
    (directory / "guarded").mkdir()
    async with mosquitto(directory / "open", *BROKER) as broker, mosquitto(directory / "guarded", *config) as other:
        mqtt = MqttPeer(broker.host, broker.port)
        await mqtt.start()
        world = World(directory, broker, mqtt)
        try:
            yield world, other
        finally:
            await world.end()
            await mqtt.stop()


def said(bridge: BridgeProcess, words: str) -> Callable[[], bool]:
    """Return whether a bridge has logged words."""
    return lambda: words in bridge.log


def sober(bridge: BridgeProcess, *, lines: int) -> None:
    """Hold a log to few printable lines without a stack trace."""
    assert not unprintable_in(bridge.log)
    assert "Traceback" not in bridge.log
    assert len(bridge.log.splitlines()) <= lines, bridge.log


TLS_REFUSALS = [
    pytest.param("good", "localhost", "ca", "client", "connected to the MQTT broker", id="all well"),
    pytest.param("good", "localhost", "other", "client", "can't be trusted", id="wrong authority"),
    pytest.param("expired", "localhost", "ca", "client", "can't be trusted: certificate has expired", id="expired"),
    pytest.param("elsewhere", "localhost", "ca", "client", "can't be trusted: Hostname mismatch", id="wrong host name"),
    pytest.param("good", "127.0.0.1", "ca", "client", "can't be trusted: IP address mismatch", id="wrong address"),
    pytest.param("good", "localhost", "ca", None, "MQTT broker", id="no client certificate"),
    pytest.param("good", "localhost", "ca", "former", "MQTT broker", id="expired client certificate"),
    pytest.param("good", "localhost", "ca", "foreign", "MQTT broker", id="foreign client certificate"),
]


@pytest.mark.parametrize(("shown", "host", "trusted", "client", "words"), TLS_REFUSALS)
async def test_tls(tmp_path: Path, *, shown: str, host: str, trusted: str, client: str | None, words: str) -> None:
    """A broker whose certificate is not in order is not talked to, nor one that wants another of the bridge."""
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    authority.issue("good")
    authority.issue("expired", days=-1)
    authority.issue("elsewhere", host="example.org")
    authority.issue("client", host="client")
    authority.issue("former", host="client", days=-1)
    other.issue("foreign", host="client")
    async with guarded(tmp_path, *authority.listener(shown, "require_certificate true")) as (world, broker):
        tls = {"ca_file": str(tmp_path / f"{trusted}.pem")}
        if client is not None:
            tls |= {"cert_file": str(tmp_path / f"{client}.pem"), "key_file": str(tmp_path / f"{client}.key")}
        modem = {"port": str(tmp_path / "no-tty")}
        bridge = await world.bridge({"shed": modem}, host=host, port=broker.port, tls=tls)
        await until(said(bridge, words))
        sober(bridge, lines=20)
        connected = "connected to the MQTT broker" in bridge.log
        assert connected == (words == "connected to the MQTT broker")


def command_line(process: int) -> str:
    """Return what a list of processes shows of one."""
    return Path(f"/proc/{process}/cmdline").read_text(encoding="utf-8")


@PROTOCOLS
async def test_wrong_password(tmp_path: Path, protocol: MqttProtocol) -> None:
    """A refused login is told in one line; the password is in no log, no process list and no answer of `check`."""
    passwords = tmp_path / "passwords"
    await run("mosquitto_passwd", "-c", "-b", str(passwords), "bridge", "another one")
    passwords.chmod(0o644)
    async with guarded(tmp_path, f"password_file {passwords}", "allow_anonymous false") as (world, broker):
        login = {"username": "bridge", "password": WORD, "protocol": str(protocol)}
        modem = {
            "port": str(tmp_path / "no-tty"),
            "pin": "4711",
            "apn": "a",
            "apn_username": "me",
            "apn_password": WORD,
        }
        bridge = await world.bridge({"shed": modem}, port=broker.port, **login)
        await until(said(bridge, "Check mqtt.username and mqtt.password"))
        sober(bridge, lines=12)
        assert bridge.process is not None
        command = command_line(bridge.process.pid)
        assert "run" in command.split("\0")
        status, out, err = await shell("check", bridge.config)
        _, more, told = await shell("check", "--json", bridge.config)
        for text in (bridge.log, command, out, err, more, told):
            assert WORD not in text
            assert "4711" not in text
        assert status == 0, err


async def test_topics_that_the_rules_forbid(tmp_path: Path) -> None:
    """Publications that the broker's rules forbid are told once for each topic, and what is allowed goes on."""
    rules = tmp_path / "rules"
    rules.write_text("topic readwrite sim7020/shed/request/#\ntopic readwrite sim7020/shed/response/#\n")
    rules.chmod(0o644)
    async with guarded(tmp_path, f"acl_file {rules}") as (world, broker):
        bridge = await world.bridge({"shed": {"port": str(tmp_path / "no-tty")}}, port=broker.port)
        await until(said(bridge, "sim7020/shed/availability can't be published: the broker refused it"))
        asking = MqttPeer(broker.host, broker.port)
        await asking.start()
        for number in range(20):
            await asking.publish("sim7020/shed/request/refresh", f'{{"transaction":{number}}}')
            await until(lambda: len(asking.all("sim7020/shed/response/refresh")) > number)  # noqa: B023 - awaited here
        await asking.stop()
        refused = [line for line in bridge.log.splitlines() if "can't be published" in line]
        topics = [line.partition("A message to ")[2].partition(" ")[0] for line in refused]
        assert len(topics) == len(set(topics)), "once for each topic"


async def test_a_broker_behind_a_slow_line(world: World) -> None:
    """Through a line of 4 kB/s to the broker nothing is lost, and memory stays as it is."""
    server = await world.udp(echo=True)
    emulator = await world.emulator()
    async with slow_line(world.broker.port, rate=4000) as port:
        bridge = await world.bridge(
            {"shed": {"port": emulator.place, "sockets": {"telemetry": udp(server.port)}}}, port=port
        )
        shed = world.modem("shed")
        await shed.open("telemetry")
        payloads = [f"{number:04}".encode() * 25 for number in range(25)]
        for number, payload in enumerate(payloads):
            await shed.send("telemetry", payload, f"m{number}")
        for payload in payloads:
            await shed.received("telemetry", payload)
        assert server.datagrams == payloads
        assert bridge.memory() < 80
        await bridge.stop()


@contextlib.asynccontextmanager
async def slow_line(to: int, *, rate: int) -> AsyncIterator[int]:
    """Relay to a port at so many bytes a second each way; yield the port to use instead."""
    tasks: set[asyncio.Task[Any]] = set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            while data := await reader.read(rate // 20):
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(len(data) / rate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", to)
        for pair in ((reader, up_writer), (up_reader, writer)):
            tasks.add(asyncio.create_task(copy(*pair)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=4096)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_files_are_the_bridges_own(world: World) -> None:
    """Whatever the umask, nobody else can read what the bridge writes."""
    server = await world.udp()
    emulator = await world.emulator("--set", "sim=pin", "--set", "pin=4711")
    config = world.directory / "own.yaml"
    config.write_text(
        f"""
mqtt: {{host: {world.broker.host}, port: {world.broker.port}}}
state_dir: {world.directory}/own
modems:
  shed:
    port: {emulator.place}
    pin: "1234"
    sockets: {{telemetry: {{protocol: udp, host: 127.0.0.1, port: {server.port}}}}}
"""
    )
    bridge = BridgeProcess(config, inside=("sh", "-c", 'umask 0; exec "$@"', "sh"))
    await world.add(bridge, "shed")
    await until(said(bridge, "the SIM did not take the PIN"))
    await world.modem("shed").send("telemetry", b"secret", "m1")
    await world.modem("shed").receipt("telemetry", "m1", "queued")
    files = [world.directory / "own", *(world.directory / "own").rglob("*")]
    assert len(files) > 3
    for file in files:
        assert not stat.S_IMODE(file.stat().st_mode) & 0o077, f"{file.name} {stat.filemode(file.stat().st_mode)}"
