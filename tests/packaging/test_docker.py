"""The image and the compose file: their form, and a bridge at the broker that they set up."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from sim7020_bridge.config.load import load
from sim7020_far_end.configuration import load as load_far_end
from tests.broker import mosquitto
from tests.e2e.mqtt_peer import MqttPeer
from tests.e2e.world import World
from tests.far_end import world as far_end_world
from tests.far_end.world import configured
from tests.packaging.files import PACKAGING, ROOT, read_yaml

DOCKER: Final = PACKAGING / "docker"
FAR_END: Final = DOCKER / "far-end"
COMPOSE: Final = read_yaml(DOCKER / "compose.yaml")
DOCKERFILE: Final = (DOCKER / "Dockerfile").read_text()
IN_CONTAINER: Final = "/mosquitto/config/"


def stages(dockerfile: str) -> list[str]:
    """Split a Dockerfile at its FROM lines; what stands before the first is left out."""
    return re.split(r"^FROM ", dockerfile, flags=re.MULTILINE)[1:]


def instructions(stage: str) -> list[str]:
    """Return a stage's instructions, one line each, without comments."""
    lines = [line for line in stage.splitlines() if not line.startswith("#")]
    return re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()


@pytest.mark.parametrize("folder", [DOCKER, FAR_END], ids=lambda folder: folder.name)
def test_the_compose_file_has_the_form_that_compose_wants(folder: Path) -> None:
    """The compose specification's own schema holds."""
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            "--builtin-schema",
            "vendor.compose-spec",
            folder / "compose.yaml",
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("folder", [DOCKER, FAR_END], ids=lambda folder: folder.name)
def test_everything_that_compose_mounts_is_there_or_is_made_by_the_user(folder: Path) -> None:
    """A file that is missing would be mounted as an empty folder."""
    compose = read_yaml(folder / "compose.yaml")
    made = set((folder / ".gitignore").read_text().split())
    mounted = [
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service["volumes"]
        if isinstance(volume, str) and volume.startswith(".")
    ]
    mounted += [secret["file"] for secret in compose["secrets"].values()]
    assert len(mounted) >= 5
    for path in mounted:
        assert (folder / path).is_file() or path.removeprefix(".") in made, path


def test_no_secret_stands_in_the_image_or_the_compose_file() -> None:
    """A password comes from a file, never by an environment variable or an argument."""
    for service in COMPOSE["services"].values():
        assert "environment" not in service
    assert "password:" not in (DOCKER / "bridge.yaml").read_text()
    assert not re.search(r"^(ARG|ENV) .*(PASSWORD|SECRET|TOKEN)", DOCKERFILE, re.MULTILINE)


def test_the_container_has_no_rights_but_to_serial_ports() -> None:
    """No capability, a read-only root, and a list of devices in the place of all."""
    bridge = COMPOSE["services"]["bridge"]
    assert bridge["cap_drop"] == ["ALL"]
    assert bridge["read_only"] is True
    assert "privileged" not in bridge
    assert {rule.split(":")[0] for rule in bridge["device_cgroup_rules"]} == {"c 188", "c 166", "c 204"}
    (devices,) = [volume for volume in bridge["volumes"] if isinstance(volume, dict)]
    assert devices == {"type": "bind", "source": "/dev", "target": "/host/dev", "read_only": True}


def test_the_compose_files_configuration_is_valid(tmp_path: Path) -> None:
    """The bridge takes it, with the secret and the broker where compose puts them."""
    secret = tmp_path / "mqtt_password"
    secret.write_text("of bridge\n")
    text = (DOCKER / "bridge.yaml").read_text()
    assert f"/run/secrets/{next(iter(COMPOSE['services']['bridge']['secrets']))}" in text
    (tmp_path / "bridge.yaml").write_text(text.replace("/run/secrets/mqtt_password", str(secret)))
    settings = load(tmp_path / "bridge.yaml")
    assert settings.mqtt.host in COMPOSE["services"]
    assert settings.mqtt.password == secret.read_text().strip()
    assert settings.modems[0].port.startswith("/host/dev/serial/by-id/")


def test_the_far_end_s_compose_file_gives_it_the_network_alone(tmp_path: Path) -> None:
    """No capability, no device, a read-only root; its configuration is valid, with its files in their places."""
    far_end = read_yaml(FAR_END / "compose.yaml")["services"]["far-end"]
    assert (far_end["cap_drop"], far_end["read_only"], far_end["ports"]) == (["ALL"], True, ["5683:5683/udp"])
    assert far_end.keys().isdisjoint({"privileged", "devices", "environment", "device_cgroup_rules"})
    for name, content in {"shed.key": bytes(16).hex(), "mqtt_password": "of the far end"}.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    text = (FAR_END / "far-end.yaml").read_text().replace("/run/secrets/mqtt_password", "mqtt_password")
    (tmp_path / "far-end.yaml").write_text(text)
    settings = load_far_end(tmp_path / "far-end.yaml")
    assert (settings.mqtt.host, settings.mqtt.password) == ("broker", "of the far end")


async def test_the_far_end_may_do_all_that_it_does(tmp_path: Path) -> None:
    """The access list that goes with it refuses nothing that it publishes, and lets commands come."""
    make_passwords(tmp_path / "passwords", "far-end", "home")
    (tmp_path / "mqtt_password").write_text("of far-end")
    lines = broker_lines(tmp_path)
    (tmp_path / "acl").write_text((FAR_END / "acl").read_text())
    async with mosquitto(tmp_path, *lines) as broker:
        peer = MqttPeer(broker.host, broker.port)
        peer._paho.username_pw_set("home", "of home")
        await peer.start()
        user = "username: far-end, password_file: mqtt_password"
        file = configured(tmp_path, broker.port)
        file.write_text(file.read_text().replace("mqtt: {", f"mqtt: {{{user}, "))
        far_end = far_end_world.World(tmp_path, broker, peer, file)
        try:
            await far_end.start()
            await far_end.online()
            await peer.publish("far-end/shed/send", b"turn")
            await peer.now("far-end/shed/state", lambda heard: heard.json()["waiting"] == 1)
            assert (await far_end.post(b"1", "a", "b")).payload == b"turn"
            await far_end.published(1, "a/b")
            assert "Denied" not in broker.log
        finally:
            await far_end.stop()
            await peer.stop()


def test_the_image_installs_what_is_locked_and_nothing_else() -> None:
    """Every pip call has hashes or no index and needs no compiler; both environments are checked when they are done."""
    calls = re.findall(r"pip --python (\S+) (.*?)(?= && |$)", "\n".join(instructions(DOCKERFILE)), re.MULTILINE)
    locked = "install --no-deps --require-hashes --only-binary :all: --requirement requirements/"
    assert calls == [
        ("/build/bin/python", f"{locked}build.txt"),
        ("/build/bin/python", "check"),
        ("/app/bin/python", f'{locked.removesuffix("requirements/")}"requirements/$extra.txt"'),
        ("/app/bin/python", "install --no-deps --no-index /wheel/*.whl"),
        ("/app/bin/python", "check"),
    ]


def test_the_image_runs_as_a_user_of_its_own() -> None:
    """The last stage ends as a user who is in the ports' group, and its labels are the standard's."""
    last = instructions(stages(DOCKERFILE)[-1])
    assert [line for line in last if line.startswith("USER ")] == ["USER sim7020-bridge"]
    assert any("--groups dialout" in line for line in last)
    (labels,) = [line for line in last if line.startswith("LABEL ")]
    for label in ("title", "description", "source", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in labels
    assert any(line.startswith("HEALTHCHECK ") for line in last)


def test_everything_that_the_image_copies_is_let_through_and_there() -> None:
    """The ignore file lets nothing else go to the builder."""
    allowed = {line[1:] for line in (DOCKER / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = [
        source
        for line in instructions(stages(DOCKERFILE)[0])
        if line.startswith("COPY ")
        for source in line.split()[1:-1]
    ]
    assert {source.split("/")[0] for source in copied} == allowed
    for source in copied:
        assert (ROOT / source).exists(), source


def broker_lines(directory: Path) -> list[str]:
    """Return the compose file's broker configuration, its files taken from a directory."""
    (directory / "acl").write_text((DOCKER / "mosquitto/acl").read_text())
    lines = (DOCKER / "mosquitto/mosquitto.conf").read_text().replace(IN_CONTAINER, f"{directory}/").splitlines()
    return [
        line for line in lines if line and not line.startswith(("#", "listener", "persistence_location", "log_dest"))
    ]


def make_passwords(file: Path, *users: str) -> None:
    """Make mosquitto's password file; each password is "of" and the user."""
    file.touch(mode=0o600)
    for user in users:
        subprocess.run(["mosquitto_passwd", "-b", file, user, f"of {user}"], check=True)


async def publish(port: int, user: str, topic: str, payload: str) -> None:
    """Publish as a user of the broker; whether the broker passes it on, it doesn't say."""
    process = await asyncio.create_subprocess_exec(
        *("mosquitto_pub", "-p", str(port), "-u", user, "-P", f"of {user}", "-q", "1", "-t", topic, "-m", payload)
    )
    assert await process.wait() == 0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Run the compose file's broker, with Home Assistant's user listening."""
    make_passwords(tmp_path / "passwords", "bridge", "home", "sensor")
    (tmp_path / "mqtt_password").write_text("of bridge")
    async with mosquitto(tmp_path, *broker_lines(tmp_path)) as broker:
        mqtt = MqttPeer(broker.host, broker.port)
        mqtt._paho.username_pw_set("home", "of home")
        await mqtt.start()
        world = World(tmp_path, broker, mqtt)
        try:
            yield world
        finally:
            await world.close()
            await mqtt.stop()


async def test_the_brokers_rights_are_enough_for_everything_that_the_bridge_does(world: World) -> None:
    """A sensor's message goes out, the answer comes in, and requests are answered."""
    emulator = await world.emulator()
    server = await world.udp(echo=True)
    example = read_yaml(DOCKER / "bridge.yaml")["modems"]["shed"]["sockets"]["telemetry"]
    socket = {**example, "host": "127.0.0.1", "port": server.port}
    user = {"username": "bridge", "password_file": str(world.directory / "mqtt_password")}
    shed = await world.shed(emulator.place, {"telemetry": socket}, mqtt=user)
    await publish(world.broker.port, "sensor", "greenhouse/tomatoes/state", "21.5")
    await server.has(b"21.5")
    await shed.received("telemetry", b"21.5")
    await world.mqtt.message("greenhouse/commands", lambda heard: heard.payload == b"21.5")
    await shed.send("telemetry", b"by hand", "m1")
    await shed.receipt("telemetry", "m1", "accepted")
    assert (await shed.request("refresh"))["status"] == "ok"
    assert "Denied PUBLISH" not in world.broker.log


async def test_a_sensor_cannot_work_the_modem(world: World) -> None:
    """What the access list doesn't name does not arrive, and the bridge is not disturbed."""
    emulator = await world.emulator()
    user = {"username": "bridge", "password_file": str(world.directory / "mqtt_password")}
    shed = await world.shed(emulator.place, mqtt=user)
    await publish(world.broker.port, "sensor", shed.topic("request/reset"), "{}")
    assert (await shed.request("refresh"))["status"] == "ok"
    assert "Denied PUBLISH from" in world.broker.log
    assert world.mqtt.all(shed.topic("request/reset")) == []


def test_the_access_list_names_every_topic_of_the_contract() -> None:
    """A topic that the contract gains must be granted here too."""
    contract = json.loads((ROOT / "docs/contract/topics.json").read_text())["topics"]
    granted = set(re.findall(r"^topic \w+ (\S+)$", (DOCKER / "mosquitto/acl").read_text(), re.MULTILINE))
    for topic in contract:
        name = re.sub(r"\{\w+\}", "+", topic["topic"].replace("{base}", "sim7020"))
        assert name in granted, name
