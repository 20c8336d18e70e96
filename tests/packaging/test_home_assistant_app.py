"""The Home Assistant app: what the Supervisor reads of it, and what its start makes of its options."""

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from sim7020_bridge.config.load import load
from sim7020_bridge.config.model import DEFAULT_BASE_TOPIC, Encoding, IngressSettings, Transport
from sim7020_bridge.config.values import BAUDRATES
from tests.packaging.files import PACKAGING, import_file, read_yaml
from tests.ports import free_port

APP: Final = PACKAGING / "home-assistant"
CONFIG: Final = read_yaml(APP / "config.yaml")
LANGUAGES: Final = ("en", "de", "zh-Hans")
ELEMENT: Final = re.compile(
    r"(bool|email|url|port|device(\(subsystem=[a-z]+\))?|str|password|int(\(-?\d*,-?\d*\))?|match\(.*\)|list\(.+\))\??"
)
"""What a type in an app's schema may be."""

SOCKET: Final = {"name": "telemetry", "protocol": "udp", "host": "198.51.100.7", "port": 5005}
OPTIONS: Final = {"name": "modem", "baudrate": "115200", "port": "/dev/ttyUSB0", "sockets": [SOCKET]}
BROKER: Final = {"host": "core-mosquitto", "port": "1883", "ssl": False, "username": "addons", "password": "b'r\"o: #k"}


@pytest.fixture(scope="module")
def start() -> ModuleType:
    """Import the app's start script."""
    return import_file(APP / "run.py")


@pytest.fixture
def places() -> Iterator[Path]:
    """Make the app's folders where a user without rights reaches them, which a test's own folder is not."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        for name in ("data", "config"):
            (folder / name).mkdir()
        bridge = folder / "bridge"
        bridge.write_text('#!/bin/sh\nid -u\nenv\necho "arguments: $*"\nif [ -e "$3" ]; then cat "$3"; fi\n')
        bridge.chmod(0o755)
        yield folder


class Supervisor:
    """The Supervisor's answer about MQTT, on a loopback port."""

    def __init__(self, status: str, document: object) -> None:
        self.requests: list[str] = []
        self._status = status
        self._document = document

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        body = json.dumps(self._document).encode()
        writer.write(f"HTTP/1.1 {self._status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()


async def started(places: Path, options: dict[str, Any], *, supervisor: str = "http://127.0.0.1:9") -> tuple[int, str]:
    """Run the start script to its end, with a program in the bridge's place that shows what it was given."""
    (places / "data" / "options.json").write_text(json.dumps(options))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(APP / "run.py"), "--supervisor", supervisor, "--program", str(places / "bridge")),
        *("--data", str(places / "data"), "--folder", str(places / "config"), "--scratch", str(places / "scratch")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], "SUPERVISOR_TOKEN": "of-the-supervisor"},
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


@pytest.fixture
async def supervisor() -> AsyncIterator[tuple[Supervisor, str]]:
    """Run a Supervisor that knows a broker."""
    double = Supervisor("200 OK", {"result": "ok", "data": BROKER})
    server = await asyncio.start_server(double.answer, "127.0.0.1", 0)
    async with server:
        yield double, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def test_the_required_keys_are_as_the_supervisor_wants_them() -> None:
    """Name, version, slug, description and architectures are there, and nothing that is out of date."""
    assert {"name", "version", "slug", "description", "arch", "image", "url"} <= CONFIG.keys()
    assert re.fullmatch(r"[-_.A-Za-z0-9]+", CONFIG["slug"])
    assert set(CONFIG["arch"]) <= {"aarch64", "amd64"}
    assert not {"auto_uart", "advanced", "codenotary", "build_from", "snapshot"} & CONFIG.keys()
    assert not (APP / "build.yaml").exists()
    assert {entry["type"] for entry in CONFIG["map"]} <= {"app_config", "share", "ssl", "media", "data"}


def test_the_app_asks_for_no_rights_that_it_does_not_need() -> None:
    """No privilege, no host network, no API: serial ports and the broker's address are all."""
    rights = {"privileged", "full_access", "host_network", "host_pid", "docker_api", "hassio_api", "homeassistant_api"}
    assert not rights & CONFIG.keys()
    assert "apparmor" not in CONFIG
    assert CONFIG["services"] == ["mqtt:want"]


def test_the_page_is_shown_by_ingress_alone(start: ModuleType, tmp_path: Path) -> None:
    """The Supervisor connects where the bridge expects it, and nobody else can; only administrators see the panel."""
    assert CONFIG["ingress"] is True
    # with ingress_stream, bodies would come in chunks, which the bridge refuses
    assert not {"ports", "webui", "ingress_stream"} & CONFIG.keys()
    assert CONFIG.get("panel_admin", True) is True
    environment = {**start.PAGE, "SIM7020_HTTP__PORT": "7020"}
    file = start.written(start.configuration(OPTIONS, {"host": "broker"}), tmp_path)
    http = load(file, environment).http
    assert http is not None
    assert (http.page, http.host, http.ingress) == (True, "127.0.0.1", IngressSettings(CONFIG["ingress_port"]))


def test_the_icon_is_a_square_png_of_the_size_that_is_wanted() -> None:
    """The store shows nothing in the place of another."""
    head = (APP / "icon.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(head[16:20]), int.from_bytes(head[20:24])) == (128, 128)


def _elements(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for item in schema.values():
            yield from _elements(item)
    elif isinstance(schema, list):
        assert len(schema) == 1
        yield from _elements(schema[0])
    else:
        yield schema


def test_every_type_in_the_schema_is_one_that_the_supervisor_has() -> None:
    """A type with a slip of the pen would make the app vanish from the store."""
    wrong = [element for element in _elements(CONFIG["schema"]) if not ELEMENT.fullmatch(element)]
    assert wrong == []


def test_every_default_is_an_option_and_every_option_without_one_is_optional() -> None:
    """Else the app could not be started before all options are filled in."""
    assert CONFIG["options"].keys() <= CONFIG["schema"].keys()
    for key in CONFIG["schema"].keys() - CONFIG["options"].keys():
        assert CONFIG["schema"][key].endswith("?"), key


def test_the_choices_are_those_of_the_bridge() -> None:
    """What can be chosen in the app is what the bridge takes."""
    socket = CONFIG["schema"]["sockets"][0]
    assert socket["protocol"] == f"list({'|'.join(Transport)})"
    assert socket["encoding"] == f"list({'|'.join(Encoding)})?"
    rates = re.fullmatch(r"list\((.*)\)", CONFIG["schema"]["baudrate"])
    assert rates is not None
    assert {int(rate) for rate in rates[1].split("|")} <= set(BAUDRATES)
    assert CONFIG["options"]["baudrate"] in rates[1].split("|")


def _texts(translations: Any, at: str = "") -> dict[str, str]:
    texts: dict[str, str] = {}
    for key, value in translations.items():
        if isinstance(value, dict):
            texts |= _texts(value, f"{at}{key}.")
        else:
            texts[f"{at}{key}"] = value
    return texts


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_option_has_a_name_and_a_description(language: str) -> None:
    """In each language, nothing is missing, nothing is left over, and nothing is empty."""
    texts = read_yaml(APP / "translations" / f"{language}.yaml")
    options = texts["configuration"]
    assert options.keys() == CONFIG["schema"].keys()
    assert options["sockets"]["fields"].keys() == CONFIG["schema"]["sockets"][0].keys()
    assert _texts(texts).keys() == _texts(read_yaml(APP / "translations/en.yaml")).keys()
    assert all(text.strip() for text in _texts(texts).values())


def test_other_languages_are_translated() -> None:
    """Nearly no text is the English one."""
    english = _texts(read_yaml(APP / "translations/en.yaml"))
    for language in LANGUAGES[1:]:
        texts = _texts(read_yaml(APP / "translations" / f"{language}.yaml"))
        same = {key for key, text in texts.items() if text == english[key] and len(text) > len("MQTT broker")}
        assert same == set()


def test_the_example_in_the_documentation_is_a_valid_option(start: ModuleType, tmp_path: Path) -> None:
    """What a user copies from the documentation is accepted by the bridge."""
    block = re.search(r"```yaml\n(.*?)```", (APP / "DOCS.md").read_text(), re.DOTALL)
    assert block is not None
    (tmp_path / "example.yaml").write_text(block[1])
    options = {**OPTIONS, **read_yaml(tmp_path / "example.yaml")}
    document = start.configuration(options, {"host": "broker"})
    (socket,) = load(start.written(document, tmp_path)).modems[0].sockets
    assert socket.send_topics == ("zigbee2mqtt/greenhouse/+",)


def test_the_options_become_a_configuration_that_the_bridge_takes(start: ModuleType, tmp_path: Path) -> None:
    """Every option arrives where it belongs, whatever characters a password has."""
    options = OPTIONS | {
        "apn": "iot.1nce.net",
        "apn_username": "me",
        "apn_password": "s#cr:t",
        "pin": "0000",
        "base_topic": "nb",
        "sockets": [SOCKET | {"encoding": "json", "send_topics": ["a/+", "b"], "received_topic": "c"}],
    }
    document = start.configuration(options, start.supervisors_broker(BROKER))
    file = start.written(document, tmp_path / "scratch")
    settings = load(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert (settings.mqtt.host, settings.mqtt.port, settings.mqtt.base_topic) == ("core-mosquitto", 1883, "nb")
    assert (settings.mqtt.username, settings.mqtt.password) == (BROKER["username"], BROKER["password"])
    (modem,) = settings.modems
    assert (modem.name, modem.port, modem.baudrate) == ("modem", "/dev/ttyUSB0", 115200)
    assert (modem.apn, modem.apn_username, modem.apn_password, modem.pin) == ("iot.1nce.net", "me", "s#cr:t", "0000")
    (socket,) = modem.sockets
    assert (socket.name, socket.transport, socket.host, socket.port) == ("telemetry", "udp", "198.51.100.7", 5005)
    assert (socket.encoding, socket.send_topics, socket.received_topic) == (Encoding.JSON, ("a/+", "b"), "c")


def test_what_is_left_empty_is_left_to_the_bridge(start: ModuleType, tmp_path: Path) -> None:
    """Options without a value don't reach the configuration."""
    empty = {"apn": "", "mqtt_host": "broker", "base_topic": "", "sockets": [SOCKET | {"send_topics": []}]}
    options = OPTIONS | empty
    settings = load(start.written(start.configuration(options, start.own_broker(options)), tmp_path))
    assert settings.modems[0].apn is None
    assert settings.mqtt.base_topic == DEFAULT_BASE_TOPIC
    assert settings.mqtt.username is None


def test_a_broker_that_encrypts_is_spoken_to_encrypted(start: ModuleType, tmp_path: Path) -> None:
    """The Supervisor's ``ssl`` becomes the bridge's ``tls``."""
    document = start.configuration(OPTIONS, start.supervisors_broker(BROKER | {"ssl": True, "port": "8883"}))
    assert load(start.written(document, tmp_path)).mqtt.tls is not None


@pytest.mark.parametrize("server", ["socket://192.0.2.10:4001", "rfc2217://shed.example:4001"])
def test_a_serial_server_takes_the_place_of_the_port(start: ModuleType, tmp_path: Path, server: str) -> None:
    """What the form takes for one is what the bridge takes for a port, and no path is."""
    form = re.fullmatch(r"match\((.*)\)\?", CONFIG["schema"]["serial_server"])
    assert form is not None
    assert re.match(form[1], server)
    assert not re.match(form[1], "/dev/ttyUSB0")
    options = {key: value for key, value in OPTIONS.items() if key != "port"} | {"serial_server": server}
    document = start.configuration(options, start.supervisors_broker(BROKER))
    assert load(start.written(document, tmp_path)).modems[0].port == server


async def test_the_bridge_takes_over_without_rights_and_without_the_supervisors_token(
    places: Path, supervisor: tuple[Supervisor, str]
) -> None:
    """The broker comes from the Supervisor, and what is started then has neither root nor a token."""
    double, address = supervisor
    status, output = await started(places, OPTIONS | {"log_level": "debug"}, supervisor=address)
    assert status == 0, output
    assert output.splitlines()[0] == ("7020" if os.geteuid() == 0 else str(os.geteuid()))
    assert "Authorization: Bearer of-the-supervisor" in double.requests[0]
    assert "of-the-supervisor" not in output
    assert f"STATE_DIRECTORY={places}/data/state" in output
    assert "SIM7020_HTTP__PAGE=true" in output
    assert f"arguments: run --config {places}/scratch/bridge.yaml --log-level debug" in output
    assert '"host": "core-mosquitto"' in output


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
async def test_what_the_options_say_is_not_changed_on_the_page(
    places: Path, supervisor: tuple[Supervisor, str]
) -> None:
    """The file is written anew at each start, so the bridge's user may read it, and not put another in its place."""
    await started(places, dict(OPTIONS), supervisor=supervisor[1])
    file = places / "scratch" / "bridge.yaml"
    assert (file.stat().st_uid, file.stat().st_mode & 0o777) == (7020, 0o600)
    assert (file.parent.stat().st_uid, file.parent.stat().st_mode & 0o777) == (0, 0o711)


@pytest.mark.parametrize(
    "named", [{}, {"mqtt_host": "broker", "mqtt_password": "my own"}], ids=["its broker", "another"]
)
async def test_a_first_start_without_a_port(
    places: Path, supervisor: tuple[Supervisor, str], named: dict[str, str]
) -> None:
    """The page leads to a configuration, which is kept; the broker is there already, and its password in a file."""
    options = {"name": "modem", "baudrate": "115200", "sockets": [], **named}
    status, output = await started(places, options, supervisor=supervisor[1])
    assert status == 0, output
    assert f"arguments: run --config {places}/data/configuration/bridge.yaml --setup" in output
    lines = output.splitlines()
    assert f"SIM7020_MQTT__HOST={named.get('mqtt_host', BROKER['host'])}" in lines
    secret, password = places / "scratch" / "mqtt-password", str(BROKER["password"])
    assert f"SIM7020_MQTT__PASSWORD_FILE={secret}" in lines
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == (named.get("mqtt_password", password), 0o600)
    assert password not in output
    kept = places / "data" / "configuration"
    assert (kept.stat().st_uid, kept.stat().st_mode & 0o777) == (secret.stat().st_uid, 0o700)


async def test_a_first_start_without_a_broker(places: Path) -> None:
    """The page asks for one; the log says why."""
    options = {"name": "modem", "baudrate": "115200", "sockets": []}
    status, output = await started(places, options, supervisor=f"http://127.0.0.1:{free_port()}")
    assert status == 0, output
    assert "did not say where the MQTT broker is" in output
    assert "Or name one on the page." in output
    assert "SIM7020_MQTT__" not in output


def test_a_broker_beside_a_configuration(start: ModuleType, tmp_path: Path) -> None:
    """What the Supervisor says comes to the same as in a file, whatever characters it has; and it wins."""
    given, _ = start.variables(
        start.supervisors_broker(BROKER | {"ssl": True, "username": "0123"}), tmp_path / "scratch"
    )
    file = tmp_path / "bridge.yaml"
    file.write_text("mqtt: {host: other}\nmodems: {modem: {port: /dev/ttyUSB0}}\nstate_dir: /\n")
    mqtt = load(file, given).mqtt
    assert (mqtt.host, mqtt.port, mqtt.username, mqtt.password) == (
        *(BROKER["host"], 1883, "0123", BROKER["password"]),
    )
    assert mqtt.tls is not None


async def test_a_file_of_the_users_own_takes_the_place_of_all_options(places: Path) -> None:
    """With a configuration file, neither a port nor a broker needs to be given."""
    (places / "config" / "mine.yaml").write_text("# mine\n")
    status, output = await started(places, {"name": "modem", "baudrate": "9600", "configuration_file": "mine.yaml"})
    assert status == 0, output
    assert f"--config {places}/config/mine.yaml" in output
    assert "# mine" in output


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"serial_server": "socket://192.0.2.10:4001", "mqtt_host": "broker"}, "leave one of the two empty"),
        (
            {"sockets": [SOCKET] * 6, "mqtt_host": "broker"},
            "A SIM7020 has 5 sockets, and the app's configuration lists 6",
        ),
        ({"sockets": [SOCKET, SOCKET], "mqtt_host": "broker"}, "Two sockets have the same name"),
        ({"configuration_file": "missing.yaml"}, "There is no file 'missing.yaml'"),
        ({"configuration_file": "../data/options.json"}, "There is no file '../data/options.json'"),
    ],
)
async def test_what_keeps_the_bridge_from_starting_is_told_in_a_sentence(
    places: Path, options: dict[str, Any], told: str
) -> None:
    """No stack trace, exit status 1."""
    status, output = await started(places, {**OPTIONS, **options})
    assert status == 1
    assert told in output
    assert "Traceback" not in output


async def test_a_home_assistant_without_a_broker_is_told_what_to_install(places: Path) -> None:
    """The Supervisor's refusal becomes advice."""
    double = Supervisor("400 Bad Request", {"result": "error", "message": "Service not enabled"})
    server = await asyncio.start_server(double.answer, "127.0.0.1", 0)
    async with server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        status, output = await started(places, dict(OPTIONS), supervisor=address)
    assert status == 1
    assert "install the app 'Mosquitto broker'" in output
    assert "Traceback" not in output


async def test_a_supervisor_that_cannot_be_reached_is_told_of(places: Path) -> None:
    """Nothing listens: a sentence, no stack trace."""
    status, output = await started(places, dict(OPTIONS), supervisor=f"http://127.0.0.1:{free_port()}")
    assert status == 1
    assert "did not say where the MQTT broker is" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("answer", [{"data": {}}, {"result": "ok"}, [], {"data": {"host": "x", "port": "many"}}])
async def test_an_answer_that_makes_no_sense_is_told_of(places: Path, answer: object) -> None:
    """A Supervisor that answers something else doesn't bring a stack trace either."""
    double = Supervisor("200 OK", answer)
    server = await asyncio.start_server(double.answer, "127.0.0.1", 0)
    async with server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        status, output = await started(places, dict(OPTIONS), supervisor=address)
    assert status == 1
    assert "did not say where the MQTT broker is" in output
    assert "Traceback" not in output
