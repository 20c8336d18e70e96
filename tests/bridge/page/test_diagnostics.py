"""The archive has what somebody who helps needs, and nothing that is nobody's business."""

import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge.config.load import read
from sim7020_bridge.page import diagnostics
from sim7020_bridge.page.administration_routes import made_routes
from sim7020_bridge.page.diagnostics import Diagnostics
from sim7020_bridge.page.facts import Facts
from sim7020_bridge.page.masking import Mask, secrets_of, secrets_of_text
from tests.bridge.page.served import served
from tests.web import get

CONFIGURATION = """\
# password: formerly-this
mqtt: {host: broker.example.net, username: me, password: "geheim; auch", port: 1883}
state_dir: /var/lib/bridge
modems:
  shed:   # SIM 89490200001234567890
    port: /dev/ttyUSB0
    pin_file: sim-pin
    apn: a.b
    apn_username: me
    apn_password: 'it''s'
    recovery:
      power: {command: [/bin/echo, --token, geheimnis, "off"]}
    sockets: {data: {protocol: udp, host: 198.51.100.7, port: 5005}}
"""

SECRETS = ("formerly-this", "geheim", "auch", "it's", "it''s", "4711", "geheimnis", "89490200001234567890")
IMEI = "866207020123456"
INFO = {"modem": {"name": "shed", "imei": IMEI, "imsi": "262010123456789", "iccid": "894902000012345678f"}}

FACTS = Facts(
    documents={
        "shed": {
            "sim7020/shed/availability": b"online",
            "sim7020/shed/info": json.dumps(INFO).encode(),
            "sim7020/shed/socket/data/state": b'{"phase": "open", "host": "198.51.100.7"}',
            "sim7020/shed/alert/../../evil": b'{"message": "\xff"}',
        }
    },
    log=[
        "INFO  tried geheim; auch with it's and PIN 4711 at mqtt://me:other@broker.example.net",
        f"INFO  the module is {IMEI}, SIM 894902000012345678f, 12345678901234567890 more",
    ],
    recordings={"shed": b"# source: shed\n> AT+CGSN\n< ***************\n"},
    messages={"shed": [{"id": "m1", "state": "failed", "topic": "sim7020/shed/socket/data/send"}]},
    history={"shed": b'{"rows":[],"outages":[]}'},
    probe={"port": "/dev/ttyUSB0", "ok": True},
)


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """Serve archives of a bridge."""
    file = tmp_path / "bridge.yaml"
    file.write_text(CONFIGURATION)
    (tmp_path / "sim-pin").write_text("4711\n")
    settings = read(file).settings

    async def facts() -> Facts:
        return FACTS

    made = Diagnostics(file, in_force=lambda: settings)
    handlers = diagnostics.handlers(made, facts=facts)
    async with served(tmp_path, partial(made_routes, handlers=handlers)) as port:
        yield port


async def files(port: int) -> dict[str, str]:
    """Return what is in the archive."""
    answer = await get(port, "/api/diagnostics")
    assert (answer.status, answer.fields["content-type"]) == (200, "application/zip")
    name = r'attachment; filename="sim7020-bridge-diagnostics-[A-Za-z0-9.-]+-\d{8}T\d{6}Z\.zip"'
    assert re.fullmatch(name, answer.fields["content-disposition"])
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        return {name.partition("/")[2]: archive.read(name).decode() for name in archive.namelist()}


async def test_the_archive(port: int) -> None:
    """Each file is there, listed and explained in the first one, and without a secret or an identity."""
    found = await files(port)
    assert list(found) == [
        "README.txt",
        "configuration.yaml",
        "check.json",
        "versions.json",
        "modems/shed/availability.json",
        "modems/shed/info.json",
        "modems/shed/socket/data/state.json",
        "modems/shed/alert/_/_/evil.json",
        "modems/shed/dialogue.at",
        "modems/shed/messages.json",
        "modems/shed/history.json",
        "probe.json",
        "log.txt",
    ]
    assert all(name in found["README.txt"] for name in found if name != "README.txt")
    everything = "\n".join(found.values())
    hidden = (*SECRETS, *(INFO["modem"][key] for key in ("imei", "imsi", "iccid")), "12345678901234567890", "other@")
    assert [secret for secret in hidden if secret in everything] == []
    assert 'mqtt: {host: broker.example.net, username: me, password: "***", port: 1883}' in found["configuration.yaml"]
    assert "pin_file: sim-pin" in found["configuration.yaml"]
    assert "/bin/echo" not in found["configuration.yaml"]
    assert found["log.txt"].splitlines()[0] == "INFO  tried *** with *** and PIN *** at mqtt://***@broker.example.net"
    assert json.loads(found["modems/shed/info.json"])["modem"] == {
        "name": "shed",
        "imei": "*" * 15,
        "imsi": "*" * 15,
        "iccid": "*" * 19,
    }
    assert json.loads(found["check.json"])["valid"]
    assert {"sim7020-bridge", "python", "packages", "kernel"} < json.loads(found["versions.json"]).keys()
    assert found["modems/shed/dialogue.at"] == "# source: shed\n> AT+CGSN\n< ***************\n"


async def test_a_file_that_was_spoilt(port: int, tmp_path: Path) -> None:
    """It is in the archive all the same, with what is wrong with it, and without what it hides."""
    file = tmp_path / "bridge.yaml"
    file.write_text(CONFIGURATION.replace("mqtt: {", "mqtt: {{"))
    found = await files(port)
    check = json.loads(found["check.json"])
    assert (check["valid"], check["mistakes"][0]["line"]) == (False, 3)
    assert not [secret for secret in SECRETS if secret in found["configuration.yaml"]]
    file.unlink()
    assert "the file can't be read: No such file or directory" in (await files(port))["configuration.yaml"]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password: word\n", 'password: "***"\n'),
        ('{"password" : "a\\"b, c", "port": 1}\n', '{"password" : "***", "port": 1}\n'),
        ("#pin=1234\n", '#pin="***"\n'),
        ("pin:\napn: a.b\n", "pin:\napn: a.b\n"),
        (
            "  apn_password: |\n    one\n\n    two\n  apn: a.b\n",
            '  apn_password: "***"\n    ***\n\n    ***\n  apn: a.b\n',
        ),
        ("command:\n  - usb\n  - off\nnext: 1\n", "command:\n    ***\n    ***\nnext: 1\n"),
        ("password_file: mqtt-password\n", "password_file: mqtt-password\n"),
        ('password: "one\n  two\\"\nthree" # end\nhost: h\n', 'password: "***"\n  ***\n***\nhost: h\n'),
        ("mqtt: {password: 'it''s\n  two', port: 1}\nstate: 1\n", 'mqtt: {password: "***"\n  ***\nstate: 1\n'),
        ("password: one\n  two\n  three\nhost: h\n", 'password: "***"\n  ***\n  ***\nhost: h\n'),
        ("command: [usb,\n  off]\nnext: 1\n", 'command: "***"\n  ***\nnext: 1\n'),
        ("#pin: 1\n    shed:\n", '#pin: "***"\n    shed:\n'),
        ("apn_password: [a, b]\r\n", 'apn_password: "***"\r\n'),
    ],
)
def test_what_is_masked_of_a_text(text: str, masked: str) -> None:
    """Whether it is YAML or not."""
    assert Mask(()).configuration(text) == masked


def test_short_secrets_leave_words_alone() -> None:
    """A secret of three characters is masked where it stands alone."""
    assert Mask(["abc"])("abc abcd (abc)") == "*** abcd (***)"


@given(st.text(st.characters(codec="utf-8"), min_size=4, max_size=30).filter(lambda text: text.strip() == text))
def test_whatever_the_secret_is(secret: str) -> None:
    """It is gone, in all the ways in which it may be written."""
    mask = Mask([secret])
    for written in (secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret)):
        assert mask(f"before {written} after").startswith("before ")
    if len(secret.splitlines()) == 1 and "*" not in secret:
        assert secret not in mask(f"1{secret}2")


def test_secrets_of_a_configuration(tmp_path: Path) -> None:
    """Those of its files are among what is in force, and those of the text are found while it is YAML."""
    (tmp_path / "sim-pin").write_text("4711\n")
    file = tmp_path / "bridge.yaml"
    settings = read(file, text=CONFIGURATION).settings
    in_force = set(secrets_of(settings))
    assert {"geheim; auch", "4711", "it's", "geheimnis"} < in_force
    assert "/bin/echo" not in in_force
    assert {"geheim; auch", "it's", "geheimnis"} < set(secrets_of_text(file, CONFIGURATION))
    assert list(secrets_of_text(file, "{")) == []


async def test_before_the_clock_was_set(tmp_path: Path) -> None:
    """An archive can't say 1970, and is made all the same."""
    file = tmp_path / "bridge.yaml"
    settings = read(file, text="mqtt: {host: h}\nmodems: {m: {port: /dev/none}}\nstate_dir: /\n").settings
    made = Diagnostics(file, in_force=lambda: settings, clock=lambda: datetime.fromtimestamp(0, UTC))
    with zipfile.ZipFile(io.BytesIO(await made.archive(Facts()))) as archive:
        assert archive.getinfo("sim7020-bridge-diagnostics/README.txt").date_time == (1980, 1, 1, 0, 0, 0)
        assert b"collected 1970-01-01 00:00:00 UTC" in archive.read("sim7020-bridge-diagnostics/README.txt")
