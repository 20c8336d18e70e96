"""Keys from the environment: what they stand for, what wins, what is told of mistakes."""

from pathlib import Path

import pytest

from sim7020_bridge.config.effective import Source, effective
from sim7020_bridge.config.load import load, read
from sim7020_bridge.config.model import LogFormat, LogLevel, LogPart
from sim7020_bridge.errors import ConfigurationError

FILE = """\
mqtt: {host: broker.example, port: 1884}
modems:
  my-shed:
    port: /dev/ttyUSB0
    sockets: &sockets
      telemetry: {protocol: udp, host: 198.51.100.7, port: 5005}
  attic:
    port: /dev/ttyUSB1
    sockets: *sockets
"""
HOME = {"HOME": "/var/lib/bridge"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a configuration."""
    file = tmp_path / "bridge.yaml"
    file.write_text(FILE)
    return file


def mistakes(file: Path, **environment: str) -> list[str]:
    """Return the lines that tell what is wrong."""
    with pytest.raises(ConfigurationError) as caught:
        load(file, {**HOME, **environment})
    return str(caught.value).splitlines()


def test_the_environment_wins(file: Path) -> None:
    """A variable overrides the file's key, adds one that is missing, and reaches every depth."""
    settings = load(
        file,
        {
            **HOME,
            "SIM7020_MQTT__HOST": "other.example",
            "SIM7020_MQTT__TLS": "{}",
            "SIM7020_MODEMS__MY_SHED__ALLOW_AT": "[AT+CSQ]",
            "SIM7020_MODEMS__MY_SHED__SOCKETS__TELEMETRY__PORT": "7000",
            "SIM7020_HTTP__PORT": "7020",
            "SIM7020_LOGGING__FORMAT": "json",
            "SIM7020_LOGGING__LEVELS": "{trace: debug}",
            "SIM7020_SHUTDOWN_TIMEOUT": "0.5",
            "SIM7020_CONFIG": "/elsewhere",
            "PATH": "/bin",
        },
    )
    shed, attic = settings.modems
    assert (settings.mqtt.host, settings.mqtt.port, settings.mqtt.tls is None) == ("other.example", 1884, False)
    assert shed.allow_at == ("AT+CSQ",)
    assert shed.sockets[0].port == 7000
    assert attic.sockets[0].port == 5005, "what the file shares by an alias is one modem's own in the environment"
    assert settings.http is not None
    assert (settings.http.port, settings.http.host) == (7020, "127.0.0.1")
    assert (settings.logging.format, settings.logging.levels) == (LogFormat.JSON, {LogPart.TRACE: LogLevel.DEBUG})
    assert settings.shutdown_timeout == 0.5


@pytest.mark.parametrize("pin", ["0815", "1234", "00001234"])
def test_texts_that_look_like_numbers(file: Path, pin: str) -> None:
    """In the environment nothing needs quotes: where a text is wanted, digits are one."""
    settings = load(file, {**HOME, "SIM7020_MODEMS__ATTIC__PIN": pin, "SIM7020_MQTT__USERNAME": "7"})
    assert settings.modems[1].pin == pin
    assert settings.mqtt.username == "7"


@pytest.mark.parametrize("password", ["*star", "a: b", "{", "%", "'", "true", "~", "1e3", "\u00e9"])
def test_any_password(file: Path, password: str) -> None:
    """What YAML would take for something else is a password all the same."""
    settings = load(file, {**HOME, "SIM7020_MQTT__USERNAME": "me", "SIM7020_MQTT__PASSWORD": password})
    assert settings.mqtt.password == password


def test_secret_files(file: Path, tmp_path: Path) -> None:
    """A variable may name a secret's file, for each secret that there is."""
    for name, content in (("mqtt", "word\n"), ("pin", "4711"), ("apn", "geheim\n")):
        (tmp_path / name).write_text(content)
    settings = load(
        file,
        {
            **HOME,
            "SIM7020_MQTT__USERNAME": "me",
            "SIM7020_MQTT__PASSWORD_FILE": "mqtt",
            "SIM7020_MODEMS__ATTIC__PIN_FILE": "pin",
            "SIM7020_MODEMS__ATTIC__APN": "iot",
            "SIM7020_MODEMS__ATTIC__APN_USERNAME": "me",
            "SIM7020_MODEMS__ATTIC__APN_PASSWORD_FILE": "apn",
        },
    )
    assert (settings.mqtt.password, settings.modems[1].pin, settings.modems[1].apn_password) == (
        "word",
        "4711",
        "geheim",
    )
    assert "geheim" not in repr(settings)


def test_mistakes_name_the_variable(file: Path) -> None:
    """What is wrong in a variable is told by its name, without a secret's value; the file's by its line."""
    file.write_text(FILE.replace("port: 1884", "port: 0"))
    told = mistakes(
        file,
        SIM7020_MODEMS__ATTIC__PIN="geheim",
        SIM7020_MODEMS__ATTIC__BAUDRATE="12",
        SIM7020_HOST="a",
        SIM7020_LOGGING__LEVELS="{at: loud}",
    )
    assert len(told) == 5
    assert any(line.startswith(f"{file}:1: mqtt.port:") for line in told)
    assert any(line.startswith("SIM7020_MODEMS__ATTIC__BAUDRATE: modems.attic.baudrate:") for line in told)
    assert any(line.startswith("SIM7020_HOST: host: there is no such key") for line in told)
    assert any(line.startswith("SIM7020_LOGGING__LEVELS: logging.levels: at: must be one of") for line in told)
    assert not any("geheim" in line for line in told)


@pytest.mark.parametrize(
    "name", ["SIM7020_", "SIM7020___", "SIM7020_MQTT__", "SIM7020_MQTT__HOST__X", "SIM7020_MODEMS"]
)
def test_odd_names(file: Path, name: str) -> None:
    """A name that leads nowhere is a mistake and nothing worse."""
    assert mistakes(file, **{name: "x"})


def test_effective_knows_where_each_value_is_from(file: Path) -> None:
    """Each key is the file's, the environment's or a default; modems stay together, in the file's order."""
    found = list(effective(read(file, {**HOME, "SIM7020_MODEMS__MY_SHED__PIN": "1234"})))
    by_key = {each.key: each for each in found}
    assert (by_key["mqtt.port"].source, by_key["mqtt.port"].place) == (Source.FILE, 1)
    assert (by_key["modems.my-shed.pin"].value, by_key["modems.my-shed.pin"].source) == ("***", Source.ENVIRONMENT)
    assert (by_key["modems.attic.baudrate"].value, by_key["modems.attic.baudrate"].place) == (115200, None)
    assert by_key["state_dir"].value == "/var/lib/bridge/.local/state/sim7020-bridge"
    names = [each.key.split(".")[1] for each in found if each.key.startswith("modems.")]
    assert names == sorted(names, key=["my-shed", "attic"].index)


@pytest.mark.parametrize(
    ("written", "prefix"), [("true", "homeassistant"), ("false", None), ("ha/discovery", "ha/discovery")]
)
def test_discovery_prefix(file: Path, written: str, prefix: str | None) -> None:
    """Discovery is a yes, a no, or another prefix."""
    settings = load(file, {**HOME, "SIM7020_HOME_ASSISTANT_DISCOVERY": written})
    assert settings.home_assistant_discovery == prefix


@pytest.mark.parametrize("written", ["a/#", "7", "[a]"])
def test_wrong_discovery_prefix(file: Path, written: str) -> None:
    """What is no topic is no prefix."""
    file.write_text(f"{FILE}home_assistant_discovery: {written}\n")
    assert any("home_assistant_discovery" in line for line in mistakes(file))
