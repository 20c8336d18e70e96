"""The far end's file: everything wrong with it at once, with lines, and no key that others can read."""

import stat
import sys
from pathlib import Path

import pytest

from docs.site.configuration_keys import FAR_END, with_far_end_keys
from sim7020_bridge.config.model import PayloadForm
from sim7020_bridge.errors import ConfigurationError
from sim7020_far_end import configuration
from sim7020_far_end.configuration import load
from sim7020_far_end.settings import PathSettings
from sim7020_far_end.store import Store
from tests.command_line import typed
from tests.e2e.world import run

SECRET = bytes(range(16)).hex()


def write(directory: Path, text: str, *, mode: int = 0o600, secret: str = f"{SECRET}\n") -> Path:
    """Write a file and the key beside it."""
    key = directory / "shed.key"
    key.write_text(secret)
    key.chmod(mode)
    file = directory / "far-end.yaml"
    file.write_text(text)
    return file


FULL = """\
mqtt: {host: broker.example, base_topic: yard}
listen: 192.0.2.1:5684
state_dir: state
home_assistant_discovery: true
modems:
  shed:
    oscore: {secret_file: shed.key, salt: "9e7c", sender_id: "", recipient_id: "01"}
    silence: 600
    paths:
      t: {payload: struct, pick: [temperature i16 0.01, battery u8]}
      a/b: {payload: cbor}
"""
LEAST = """\
mqtt: {host: broker.example}
state_dir: /var/lib/x
modems: {shed: {oscore: {secret_file: shed.key, sender_id: "", recipient_id: "01"}}}
"""


def test_every_key(tmp_path: Path) -> None:
    """Each comes out as it is written, files beside the file."""
    settings = load(write(tmp_path, FULL))
    [modem] = settings.modems
    assert (settings.listen, settings.state_dir) == (("192.0.2.1", 5684), tmp_path / "state")
    assert (settings.mqtt.base_topic, settings.mqtt.port) == ("yard", 1883)
    assert settings.home_assistant_discovery == "homeassistant"
    assert (modem.oscore.secret, modem.oscore.salt) == (bytes(range(16)), b"\x9e\x7c")
    assert (modem.oscore.sender_id, modem.oscore.recipient_id, modem.silence) == (b"", b"\x01", 600)
    assert modem.path("a/b") == PathSettings("a/b", PayloadForm.CBOR)
    assert modem.path("t").pick == ("temperature i16 0.01", "battery u8")
    assert modem.path("x") == PathSettings("x")


def test_defaults(tmp_path: Path) -> None:
    """What is left out is what the page says."""
    settings = load(write(tmp_path, LEAST))
    assert (settings.listen, settings.mqtt.base_topic) == (("::", 5683), "far-end")
    assert settings.home_assistant_discovery is None
    assert settings.modems[0].silence == 24 * 3600
    without = write(tmp_path, LEAST.replace("state_dir: /var/lib/x\n", ""))
    assert load(without, {"STATE_DIRECTORY": "/var/lib/far"}).state_dir == Path("/var/lib/far")
    assert load(without, {"XDG_STATE_HOME": "/s"}).state_dir == Path("/s/sim7020-far-end")


def test_no_key_is_shown(tmp_path: Path) -> None:
    """Neither in what a log might have of the settings, nor in what is wrong with a key."""
    shown = repr(load(write(tmp_path, FULL)))
    assert SECRET not in shown
    assert repr(bytes(range(16))) not in shown


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620, 0o601, 0o644])
def test_a_key_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    """Nobody but its owner may do anything with it, but that its group may read it."""
    with pytest.raises(
        ConfigurationError, match=r"far-end.yaml:3: modems.shed.oscore.secret_file: others can read or change"
    ):
        load(write(tmp_path, LEAST, mode=mode))
    assert stat.S_IMODE((tmp_path / "shed.key").stat().st_mode) == mode


@pytest.mark.parametrize("secret", ["", "0102\n", f"{SECRET}\n{SECRET}\n", "g" * 32, SECRET[:-1]])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, secret: str) -> None:
    """And what stands in it is not shown."""
    with pytest.raises(ConfigurationError, match=r"modems.shed.oscore.secret_file: ") as told:
        load(write(tmp_path, LEAST, secret=secret))
    assert not secret.strip() or secret.strip() not in str(told.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("host: broker.example", "hosts: x", "1: mqtt.hosts: there is no such key"),
        ("host: broker.example", "host: h, password: x", "1: mqtt.password: a password needs a username"),
        ("host: broker.example", "host: h, response_topics: []", "1: mqtt.response_topics: there is no such key"),
        ("192.0.2.1:5684", "192.0.2.1:0", "2: listen: must be a whole number from 1"),
        ('recipient_id: "01"', 'recipient_id: ""', "7: modems.shed.oscore.recipient_id: must not be the sender_id"),
        ('recipient_id: "01"', "recipient_id: 1", "7: modems.shed.oscore.recipient_id: must be bytes in hexadecimal"),
        ('salt: "9e7c", sender_id: ""', 'salt: "9e7c"', "7: modems.shed.oscore.sender_id: the key sender_id is m"),
        ("silence: 600", "silence: 0", "8: modems.shed.silence: must be a whole number from 1"),
        ("payload: struct, ", "", "10: modems.shed.paths.t.pick: needs payload: cbor or struct"),
        (", pick: [temperature i16 0.01, battery u8]", "", "10: modems.shed.paths.t.payload: needs pick"),
        ("battery u8", "battery", "10: modems.shed.paths.t.pick, item 2: needs a type in a struct"),
        ("a/b: {payload: cbor}", "a//b: {payload: cbor}", "11: modems.shed.paths.a//b: a path: must not"),
        ("a/b: {payload: cbor}", "a/+: {payload: cbor}", "11: modems.shed.paths.a/+: a path: "),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    """As the bridge tells it of its own file."""
    assert old in FULL
    with pytest.raises(ConfigurationError) as told:
        load(write(tmp_path, FULL.replace(old, new)))
    assert words in str(told.value)


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    """Not one after the other."""
    with pytest.raises(ConfigurationError) as told:
        load(write(tmp_path, "mqtt: {}\nmodems: {Shed: {}}\nlisten: x:y\n"))
    assert len(told.value.mistakes) == 4


def test_one_key_for_two_modems_is_refused(tmp_path: Path) -> None:
    """Of their messages nobody could tell whose they are."""
    again = '  barn:\n    oscore: {secret_file: shed.key, salt: "9E7C", sender_id: "02", recipient_id: "01"}\n'
    with pytest.raises(ConfigurationError, match="the modem shed has this key"):
        load(write(tmp_path, FULL + again))


def test_the_extra_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is missing, the first thing that is told is how to get it."""
    monkeypatch.setattr(configuration, "find_spec", lambda name: None if name == "cryptography" else name)
    with pytest.raises(ConfigurationError, match=r"sim7020-bridge\[oscore\]"):
        load(write(tmp_path, FULL))


def test_the_page_has_every_key() -> None:
    """A key that was added or said otherwise is noticed here."""
    page = FAR_END.read_text(encoding="utf-8")
    assert with_far_end_keys(page) == page, "run script/configuration-keys"


async def test_what_keeps_it_from_running_is_a_sentence(tmp_path: Path) -> None:
    """A port that another program has, and a file that one has."""
    store = Store(tmp_path / "state")
    await store.open()
    file = write(tmp_path, FULL.replace("192.0.2.1:5684", "127.0.0.1:5684"))
    command = (sys.executable, "-m", "sim7020_bridge", "far-end", "--config", str(file))
    status, _, told = await run(*command)
    assert (status, "another program has it" in told) == (1, True)
    await store.close()
    write(tmp_path, FULL)
    status, _, told = await run(*command)
    assert status == 1
    assert told.endswith("192.0.2.1, UDP port 5684, can't be listened at: Cannot assign requested address\n")


def test_on_the_command_line(tmp_path: Path) -> None:
    """``--check`` says whether the file is valid, and all that is wrong with one that is not."""
    status, _, told = typed("far-end", "--check", "--config", str(write(tmp_path, FULL)))
    assert (status, told) == (0, f"{tmp_path}/far-end.yaml: valid\n")
    status, _, told = typed("far-end", "--check", str(write(tmp_path, FULL.replace("silence: 600", "silent: 1"))))
    assert status == 2
    assert "far-end.yaml:8: modems.shed.silent: there is no such key; did you mean silence?" in told
