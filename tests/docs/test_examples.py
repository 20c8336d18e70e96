"""What the pages tell to do works: typed by hand, as a program, at a broker with the page's access list and TLS."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests import contract_check
from tests.broker import Mosquitto, mosquitto
from tests.docs.pages import BY_HAND, DOCS, Block, of
from tests.docs.typing_user import TypingUser
from tests.e2e.mqtt_peer import PATIENCE, MqttPeer
from tests.e2e.programs import BridgeProcess
from tests.e2e.servers import until
from tests.e2e.world import World, run, udp
from tests.packaging.test_docker import make_passwords
from tests.ports import free_port

USERS: Final = ("bridge", "home", "telemetry", "sensor")


def block(page: str, language: str, part: str = "") -> Block:
    """Return the only block of a page in a language that has something in it."""
    (found,) = [block for block in of(language) if block.page == page and part in block.text]
    return found


async def test_by_hand(tmp_path: Path) -> None:
    """Whoever types the page block by block sees the modem come online, and the answer to a message."""
    broker, server = free_port(), free_port()
    instead = {
        "--link": "--speed 20 --link",
        "/tmp/modem": str(tmp_path / "modem"),  # noqa: S108 - as the page has it
        "1883": str(broker),
        "UDP-LISTEN:5005": f"UDP-LISTEN:{server}",
        "198.51.100.7=127.0.0.1": f"198.51.100.7:5005=127.0.0.1:{server}",
        "mosquitto_sub ": f"mosquitto_sub -p {broker} ",
        "mosquitto_pub ": f"mosquitto_pub -p {broker} ",
        "bridge status": f"bridge status --broker 127.0.0.1:{broker}",
        "bridge send": f"bridge send --broker 127.0.0.1:{broker}",
        "PATH=$PWD/.venv/bin:$PATH:/usr/sbin": "true",
    }
    (shown,) = [block for block in BY_HAND if block.language == "yaml"]
    lines = shown.text.replace("host: 127.0.0.1\n", f"host: 127.0.0.1\n  port: {broker}\n", 1)
    async with TypingUser(tmp_path, instead) as user:
        (tmp_path / "bridge.yaml").write_text(user.adapted(f"{lines}state_dir: state\n"))
        for typed in [block for block in BY_HAND if block.language == "sh"]:
            await user.types(typed.text)
            if "sim7020-emulator" in typed.text and "--link" in typed.text:
                await user.sees(str(tmp_path / "modem"))
            if "mosquitto -p" in typed.text:
                await until(lambda: _listens(tmp_path, broker))
            if "mosquitto_sub" in typed.text:
                await user.sees('"layer":"online"')
                await user.sees('"phase":"open"')
            if "-m 21.5" in typed.text:
                await user.sees("sim7020/shed/socket/telemetry/received 21.5")
                await user.sees("greenhouse/commands 21.5")
        await user.sees("sim7020/shed/response/refresh")
        await user.sees("sim7020/shed/socket/telemetry/received 22.0")


def _listens(directory: Path, port: int) -> bool:
    probe = ["mosquitto_pub", "-p", str(port), "-t", "hello", "-n"]
    return subprocess.run(probe, check=False, cwd=directory, capture_output=True).returncode == 0


async def test_the_python_page(world: World) -> None:
    """Its server answers, and its program tells what became of a message and what came."""
    port = free_port()
    text = block("docs/python.md", "python", "recvfrom").text
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-c", text.replace("5005", str(port)).replace("0.0.0.0", "127.0.0.1")),  # noqa: S104
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        emulator = await world.emulator()
        await world.shed(emulator.place, {"telemetry": udp(port)})
        program = world.directory / "send.py"
        program.write_text(block("docs/python.md", "python", "paho").text.replace("1883", str(world.broker.port)))
        usage = re.search(r"`python send\.py ([^`]+)`", (DOCS / "python.md").read_text())
        assert usage
        words = [word.strip('"') for word in usage[1].split()]
        status, out, err = await run(sys.executable, str(program), *words)
        assert (status, err) == (0, "")
        states = [line for line in out.splitlines() if not line.startswith("received")]
        assert states == ["queued", "sending", "accepted"]
        assert server.stdout is not None
        assert b"21.5" in await server.stdout.readline()
        await world.modem("shed").received("telemetry", b"ok")
        status, _, err = await run(sys.executable, str(program), "shed", "nowhere", "x")
        assert status == 1
        assert err.startswith("unknown_socket: ")
        status, _, err = await run(sys.executable, str(program), "shed")
        assert (status, err) == (1, "usage: python send.py MODEM SOCKET TEXT\n")
    finally:
        server.terminate()
        await server.wait()


@pytest.mark.parametrize(
    ("part", "says"),
    [("lose_network", ["+CSQ: ", "OK"]), ("sim-removed", ["RDY", "fault: sim absent", "fault: deaf 30"])],
)
async def test_the_emulator_from_python(part: str, says: list[str]) -> None:
    """The page's programs end by themselves, and say what a module says."""
    status, out, err = await run(sys.executable, "-W", "error", "-c", block("docs/emulator.md", "python", part).text)
    assert (status, err) == (0, "")
    places = [out.find(word) for word in says]
    assert -1 not in places
    assert places == sorted(places)


FLOW: Final[list[dict[str, Any]]] = json.loads((DOCS / "examples" / "node-red-flow.json").read_text())


def test_the_flow_hangs_together() -> None:
    """Every wire ends at a node, every node is on the tab and every MQTT node has the broker."""
    nodes = {node["id"]: node for node in FLOW}
    assert len(nodes) == len(FLOW)
    for node in FLOW:
        for wires in node.get("wires", []):
            assert set(wires) <= set(nodes)
        if node["type"] not in {"tab", "mqtt-broker"}:
            assert nodes[node["z"]]["type"] == "tab"
        if node["type"] in {"mqtt in", "mqtt out"}:
            assert nodes[node["broker"]]["type"] == "mqtt-broker"
            assert node["qos"] == "1"


def test_the_flow_keeps_to_the_contract() -> None:
    """It listens where the bridge publishes, publishes where it listens, and what it sends is a request."""
    for node in FLOW:
        if node["type"] in {"mqtt in", "mqtt out"}:
            row, _ = contract_check.find(node["topic"].replace("+", "sim_pin"), "sim7020", "shed")
            assert row["published_by"] == ("bridge" if node["type"] == "mqtt in" else "user")
            assert node.get("retain", "false") == "false"
    (change,) = [node for node in FLOW if node["type"] == "change"]
    made = change["rules"][0]["to"].replace(": payload,", ': "21.5",').replace('"nodered-" & $millis()', '"nodered-1"')
    assert contract_check.problems("request-send", json.loads(made)) == []


def test_the_page_names_the_nodes_of_the_flow() -> None:
    """What the table calls a node is there."""
    names = {node.get("name") for node in FLOW}
    rows = re.findall(r"^\| \*([^*]+)\* \|", (DOCS / "node-red.md").read_text(), re.MULTILINE)
    assert len(rows) == 5
    assert set(rows) <= names


def broker_of_the_page(directory: Path) -> list[str]:
    """Write the page's access list and return the lines for a broker that has it."""
    (directory / "acl").write_text(block("docs/security.md", "acl").text)
    make_passwords(directory / "passwords", *USERS)
    return ["allow_anonymous false", f"password_file {directory}/passwords", f"acl_file {directory}/acl"]


class Rights:
    """What users of a broker may do, found out by trying."""

    def __init__(self, broker: Mosquitto) -> None:
        self.broker = broker

    async def may_write(self, user: str, topic: str) -> bool:
        """Publish with MQTT 5, which answers a publication without the right to it."""
        place = ("-p", str(self.broker.port), "-u", user, "-P", f"of {user}")
        denied = f"Denied PUBLISH from {user}"
        before = self.broker.log.count(denied)
        status, _, err = await run("mosquitto_pub", "-V", "5", "-i", user, *place, "-q", "1", "-t", topic, "-m", "x")
        assert status == 0, err
        return self.broker.log.count(denied) == before

    async def may_read(self, user: str, topic: str) -> bool:
        """Ask for a retained message, and for one that everybody may read, which comes after it."""
        place = ("-p", str(self.broker.port), "-u", user, "-P", f"of {user}")
        process = await asyncio.create_subprocess_exec(
            *("mosquitto_sub", "-v", *place, "-t", topic, "-t", LAST), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            first = (await process.stdout.readline()).decode().split()[0]
        process.terminate()
        await process.wait()
        assert first in {topic, LAST}
        return first == topic


LAST: Final = "everybody/may/read"
EXPECTED: Final = {
    # who may write it, who may read it
    "availability": ({"bridge"}, {"bridge", "home", "telemetry"}),
    "info": ({"bridge"}, {"home"}),
    "state": ({"bridge"}, {"home"}),
    "event": ({"bridge"}, {"home"}),
    "alert": ({"bridge"}, {"home"}),
    "response": ({"bridge"}, {"home"}),
    "socket_state": ({"bridge"}, {"home"}),
    "received": ({"bridge"}, {"home", "telemetry"}),
    "receipt": ({"bridge"}, {"home", "telemetry"}),
    "request": ({"home"}, {"bridge", "home"}),
    "send": ({"home", "telemetry"}, {"bridge", "home"}),
    "component": ({"home"}, {"bridge", "home"}),
    "pool_send": ({"home"}, {"bridge", "home"}),
    "pool_receipt": ({"bridge"}, {"home"}),
    "announce": ({"home"}, {"bridge", "home"}),
}


def topics() -> dict[str, str]:
    """Return an example of each topic of the contract, by its name there."""
    names = {"base": "sim7020", "modem": "shed", "socket": "telemetry", "verb": "reset", "id": "sim_pin", "pool": "p"}
    return {row["name"]: row["topic"].format(**names) for row in contract_check.topics()}


def test_the_access_list_is_tried_for_every_topic() -> None:
    """A topic that the contract gains must be granted or refused on purpose."""
    assert set(EXPECTED) == set(topics())


async def test_the_access_list_gives_each_user_what_the_page_says(tmp_path: Path) -> None:
    """Whoever may write a topic can, and nobody else; the same for reading."""
    lines = broker_of_the_page(tmp_path)
    acl = tmp_path / "acl"
    acl.write_text(f"{acl.read_text()}\nuser admin\ntopic readwrite #\n\npattern read {LAST}\n")
    make_passwords(tmp_path / "passwords", "admin")
    async with mosquitto(tmp_path, *lines) as broker:
        rights = Rights(broker)
        admin = ("-p", str(broker.port), "-u", "admin", "-P", "of admin")
        await run("mosquitto_pub", *admin, "-q", "1", "-r", "-t", LAST, "-m", "here")
        for name, topic in topics().items():
            writers = {user for user in USERS if await rights.may_write(user, topic)}
            assert writers == EXPECTED[name][0], name
            await run("mosquitto_pub", *admin, "-q", "1", "-r", "-t", topic, "-m", "here")
        found = await asyncio.gather(*(_readers(rights, topic) for topic in topics().values()))
        assert dict(zip(topics(), found, strict=True)) == {name: readers for name, (_, readers) in EXPECTED.items()}
        assert await rights.may_write("sensor", "greenhouse/tomatoes/state")
        assert not await rights.may_write("sensor", "greenhouse/commands")


async def _readers(rights: Rights, topic: str) -> set[str]:
    return {user for user in USERS if await rights.may_read(user, topic)}


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """Make an authority and a broker's certificate for localhost."""

    def make(name: str, *more: str) -> None:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
             "2", "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}", *more],
            cwd=tmp_path, check=True, capture_output=True,
        )  # fmt: skip
        (tmp_path / f"{name}.key").chmod(0o644)

    make("ca")
    make("broker", "-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:localhost")
    return tmp_path


async def test_tls_and_the_access_list_together(certificates: Path) -> None:
    """The page's bridge finds the page's broker, and serves a modem with no more rights than listed."""
    broker_of_the_page(certificates)
    port = free_port()
    shown = block("docs/security.md", "conf").text.replace("listener 8883", f"listener {port} 127.0.0.1")
    lines = [re.sub(r"/etc/mosquitto/(?:certs/)?", f"{certificates}/", line) for line in shown.splitlines()]
    async with mosquitto(certificates, *lines) as broker:
        mqtt = MqttPeer(broker.host, broker.port)
        mqtt._paho.username_pw_set("home", "of home")
        await mqtt.start()
        world = World(certificates, broker, mqtt)
        try:
            emulator = await world.emulator()
            server = await world.udp(echo=True)
            await world.add(BridgeProcess(bridge_of_the_page(certificates, port, emulator.place, server.port)), "shed")
            shed = world.modem("shed")
            await shed.online()
            await shed.open("telemetry")
            await shed.send("telemetry", b"hello", "m1")
            await shed.received("telemetry", b"hello")
            assert "Denied PUBLISH from sim7020-bridge-shed" not in broker.log
        finally:
            await world.close()
            await mqtt.stop()


def bridge_of_the_page(directory: Path, port: int, modem: str, server: int) -> Path:
    """Write the page's configuration, with a modem, for the broker at a port."""
    text = block("docs/security.md", "yaml", "tls:").text
    (directory / "mqtt").write_text("of bridge\n")
    text = text.replace("/etc/sim7020-bridge/secrets/mqtt", str(directory / "mqtt"))
    text = text.replace("/etc/sim7020-bridge/ca.crt", str(directory / "ca.crt"))
    text = text.replace("host: broker.example.net\n", f"host: localhost\n  port: {port}\n")
    modems = {"shed": {"port": modem, "sockets": {"telemetry": udp(server)}}}
    file = directory / "bridge.yaml"
    file.write_text(f"{text}state_dir: state\nmodems: {json.dumps(modems)}\n")
    return file
