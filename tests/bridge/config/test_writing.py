"""A configuration that is written says what it was given, whatever that is, and the bridge takes it if it is right."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from sim7020_bridge.config.load import read
from sim7020_bridge.config.model import MqttProtocol, MqttSettings, SocketSettings, Transport
from sim7020_bridge.config.writing import Draft, written

texts = st.text(st.characters(codec="utf-8"), max_size=20)
values = st.recursive(texts | st.integers(-(10**9), 10**9) | st.booleans() | st.none(), st.lists, max_leaves=4)
sections = st.dictionaries(texts, values, max_size=4)


@settings(max_examples=40)
@given(mqtt=sections, name=texts, modem=sections, sockets=st.dictionaries(texts, sections, max_size=3), http=sections)
def test_whatever_is_given_is_written(
    mqtt: dict[str, object],
    name: str,
    modem: dict[str, object],
    sockets: dict[str, dict[str, object]],
    http: dict[str, object],
) -> None:
    """No text gets out of its quotes or its comment: YAML reads what was given, and nothing else."""
    text = written(Draft(mqtt, name, modem, sockets, http), f"{name}.yaml")
    found = YAML(typ="safe", pure=True).load(text)
    assert found["mqtt"] == {"port": 1883, **mqtt}
    assert found["modems"] == {name: {**modem, "sockets": sockets}}
    assert found.get("http", {}) == http


def test_what_is_right_is_taken(tmp_path: Path) -> None:
    """The checker finds all of it."""
    draft = Draft(
        {"host": "broker.example.net", "username": "me", "password": "word", "protocol": "3.1.1", "tls": {}},
        "shed",
        {"port": "/dev/ttyUSB0", "baudrate": 9600, "apn": "iot.example", "pin": "0000"},
        {"data": {"protocol": "tcp", "host": "198.51.100.7", "port": 7000, "send_topics": ["a/+"]}},
        {"port": 8020},
    )
    found = read(tmp_path / "bridge.yaml", {"HOME": "/"}, text=written(draft, "bridge.yaml")).settings
    assert (found.mqtt.place, found.mqtt.protocol) == ("broker.example.net:8883", MqttProtocol.V311)
    (shed,) = found.modems
    assert (shed.name, shed.port, shed.baudrate, shed.apn, shed.pin) == (
        *("shed", "/dev/ttyUSB0", 9600, "iot.example", "0000"),
    )
    assert shed.sockets == (SocketSettings("data", Transport.TCP, "198.51.100.7", 7000, send_topics=("a/+",)),)
    assert found.http is not None
    assert found.http.port == 8020


@pytest.mark.parametrize("name", ["1", "null", "1e3", "0x1", "1_0"])
def test_names_that_look_like_something_else(tmp_path: Path, name: str) -> None:
    """They stay names."""
    text = written(Draft({"host": "h"}, name, {"port": "/dev/ttyUSB0"}), "bridge.yaml")
    found = read(tmp_path / "bridge.yaml", {"HOME": "/"}, text=text).settings
    assert [modem.name for modem in found.modems] == [name]
    assert found.mqtt == MqttSettings("h")
