"""What a changed configuration takes, named by the keys that a person changed."""

from dataclasses import replace
from pathlib import Path

import pytest

from sim7020_bridge.config.changes import Changes, changes
from sim7020_bridge.config.load import read
from sim7020_bridge.config.model import Settings

FILE = Path("/etc/bridge.yaml")
TEXT = """
mqtt: {host: a.example.net}
state_dir: /var/lib/bridge
modems:
  shed: {port: /dev/ttyUSB0, sockets: {data: {protocol: udp, host: 198.51.100.7, port: 5005}}}
"""


def settings(*replacements: tuple[str, str]) -> Settings:
    """Read the configuration with some texts in it replaced."""
    text = TEXT
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return read(FILE, {}, text=text).settings


@pytest.mark.parametrize(
    ("old", "new", "restart", "reload"),
    [
        ("{host: a.example.net}", "{host: a.example.net, keepalive: 60}", ["mqtt.keepalive"], []),
        ("a.example.net}", "[a.example.net, b.example.net]}", ["mqtt.host"], []),
        ("a.example.net}", "[b.example.net, c.example.net]}", ["mqtt.host"], []),
        ("/var/lib/bridge", "/var/lib/other", ["state_dir"], []),
        ("state_dir", "http: {port: 8020}\nstate_dir", ["http"], []),
        ("state_dir", "home_assistant_discovery: true\nstate_dir", ["home_assistant_discovery"], []),
        ("state_dir", "logging: {level: debug}\nstate_dir", [], ["logging"]),
        ("state_dir", "shutdown_timeout: 9\nstate_dir", [], ["shutdown_timeout"]),
        ("{port: /dev/ttyUSB0,", "{port: /dev/ttyUSB1, apn: a.b,", ["modems.shed.port", "modems.shed.apn"], []),
        ("port: 5005", "port: 5006", [], ["modems.shed.sockets"]),
        ("shed", "barn", ["modems.barn", "modems.shed"], []),
        ("# nothing", "", [], []),
    ],
)
def test_changes(old: str, new: str, restart: list[str], reload: list[str]) -> None:
    """Each key is told once, and by its name in the file."""
    before = settings() if old in TEXT else settings(("\nmqtt", f"\n{old}\nmqtt"))
    after = settings((old, new)) if old in TEXT else settings()
    assert changes(before, after) == Changes(tuple(restart), tuple(reload))


def test_keys_of_the_http_port() -> None:
    """Once there is one, its keys are told one by one."""
    before = replace(settings(), http=settings(("state_dir", "http: {port: 1}\nstate_dir")).http)
    after = replace(settings(), http=settings(("state_dir", "http: {port: 2}\nstate_dir")).http)
    assert changes(before, after).restart == ("http.port",)
