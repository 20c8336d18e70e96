"""PIN, power saving, recovery, AT commands and time: what a modem's section can say about its care."""

import re
from pathlib import Path

import pytest

from docs.site.configuration_keys import describe
from sim7020_bridge.config.keys import root
from sim7020_bridge.config.load import load
from sim7020_bridge.config.model import (
    GpioSettings,
    ModemSettings,
    PowerHookSettings,
    PowerSavingSettings,
    RecoverySettings,
)
from sim7020_bridge.errors import ConfigurationError

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"
SOCKET = "sockets: {data: {protocol: udp, host: h, port: 1, send_topics: [a/+/set], received_topic: b/c}}"


def written(directory: Path, modem: str) -> Path:
    """Write a good file with one key added to its modem at line 4, and programs and secrets beside it."""
    program = directory / "power.sh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (directory / "pin").write_text("0123\n")
    (directory / "long").write_text("123456789\n")
    file = directory / "bridge.yaml"
    file.write_text(f"mqtt: {{host: h}}\nmodems:\n  shed:\n    {modem}\n    port: /dev/ttyS0\n    {SOCKET}\n")
    return file


def modem_of(directory: Path, modem: str) -> ModemSettings:
    """Return the modem that a good file gives."""
    [settings] = load(written(directory, modem)).modems
    return settings


def hook_of(directory: Path, hook: str) -> PowerHookSettings | None:
    """Return the power hook that a good file gives."""
    return modem_of(directory, f"recovery: {{power: {hook}}}").recovery.power


def test_defaults(tmp_path: Path) -> None:
    """Left out, power saving is off, nothing is sent to the SIM, and there is no hook."""
    modem = modem_of(tmp_path, "baudrate: 115200")
    assert (modem.pin, modem.power_saving, modem.allow_at, modem.time_server) == (None, None, (), None)
    assert modem.recovery == RecoverySettings(attach_ceiling=48, power=None)


def test_power_saving(tmp_path: Path) -> None:
    """All of power saving arrives, whole numbers of seconds or not."""
    modem = modem_of(
        tmp_path,
        "power_saving: {active_time: 60, periodic_update: 7200, edrx_cycle: 20.48, paging_window: 20.48, "
        "light_sleep: true, release_assistance: true, retain_sockets: true}",
    )
    assert modem.power_saving == PowerSavingSettings(
        60.0, 7200.0, 20.48, 20.48, light_sleep=True, release_assistance=True, retain_sockets=True
    )
    assert isinstance(modem.power_saving.active_time, float)
    assert modem_of(tmp_path, "power_saving: {}").power_saving == PowerSavingSettings()


@pytest.mark.parametrize("steps", range(1, 17))
def test_every_paging_window(tmp_path: Path, steps: int) -> None:
    """Each window can be written as the standard writes it."""
    window = f"{steps * 256 // 100}.{steps * 256 % 100:02}"
    modem = modem_of(tmp_path, f"power_saving: {{edrx_cycle: 40.96, paging_window: {window}}}")
    assert modem.power_saving == PowerSavingSettings(edrx_cycle=40.96, paging_window=float(window))


@pytest.mark.parametrize("key", ['pin: "0123"', "pin_file: pin"])
def test_pin(tmp_path: Path, key: str) -> None:
    """A PIN keeps its leading zero and is in no log."""
    settings = load(written(tmp_path, key))
    assert settings.modems[0].pin == "0123"
    assert "0123" not in repr(settings)


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        pytest.param("{command: 'sh -c \"exit 1\" x'}", ("sh", "-c", "exit 1", "x"), id="text"),
        pytest.param("{command: [sh, '-c', 'a | b', '']}", ("sh", "-c", "a | b", ""), id="list"),
        pytest.param("{command: /bin/sh}", ("/bin/sh",), id="path"),
    ],
)
def test_command(tmp_path: Path, hook: str, expected: tuple[str, ...]) -> None:
    """A command is split like a shell does it, or taken as a list says."""
    assert hook_of(tmp_path, hook) == PowerHookSettings(command=expected)


def test_command_beside_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program beside the configuration is found wherever the bridge runs, and its arguments are in no log."""
    written(tmp_path, "recovery: {power: {command: ./power.sh --token hunter2}}")
    monkeypatch.chdir(tmp_path)
    settings = load(Path("bridge.yaml"))
    hook = settings.modems[0].recovery.power
    assert hook == PowerHookSettings(command=(str(tmp_path / "power.sh"), "--token", "hunter2"))
    assert "hunter2" not in repr(settings)


def test_topic_and_gpio(tmp_path: Path) -> None:
    """A plug has its payloads as they are, and a GPIO line its chip."""
    plug = '{topic: plug/set, press_payload: OFF, release_payload: \'{"state": "ON"}\', duration: 8}'
    assert hook_of(tmp_path, plug) == PowerHookSettings(
        topic="plug/set", press_payload="OFF", release_payload='{"state": "ON"}', duration=8.0
    )
    assert hook_of(tmp_path, "{gpio: {chip: /dev/gpiochip0, line: 17}, wakes: true}") == PowerHookSettings(
        gpio=GpioSettings("/dev/gpiochip0", 17), wakes=True
    )


def test_commands_and_time(tmp_path: Path) -> None:
    """Allowed commands are kept as written, the deliberate AT* among them."""
    modem = modem_of(tmp_path, 'allow_at: [AT+CSQ, "AT+CENG?", "AT*MGCOUNT=1", "AT**", "AT*"]')
    assert modem.allow_at == ("AT+CSQ", "AT+CENG?", "AT*MGCOUNT=1", "AT**", "AT*")
    assert modem_of(tmp_path, "time_server: pool.ntp.org").time_server == "pool.ntp.org"
    assert modem_of(tmp_path, "recovery: {attach_ceiling: 4}").recovery == RecoverySettings(attach_ceiling=4)


PIN = [
    pytest.param("pin: 1234", 'pin: write it in quotes, as in "0000": YAML takes it for a number', id="number"),
    pytest.param("pin: 0123", "pin: write it in quotes", id="leading zero"),
    pytest.param("pin: 1_234", "pin: ", id="number with a bar"),
    pytest.param('pin: "123"', "pin: a PIN has 4 to 8 digits", id="short"),
    pytest.param('pin: "123456789"', "pin: a PIN has 4 to 8 digits", id="long"),
    pytest.param('pin: "12a4"', "pin: a PIN has 4 to 8 digits", id="letter"),
    pytest.param('pin: "1234\\n"', "pin: a PIN has 4 to 8 digits", id="line end"),
    pytest.param('pin: "\\u0661\\u0662\\u0663\\u0664"', "pin: a PIN has 4 to 8 digits", id="Arabic digits"),
    pytest.param("pin: true", "pin: must be text", id="true"),
    pytest.param("pn: '1234'", "pn: there is no such key; did you mean p", id="typo"),
    pytest.param('pin: "1234"\n    pin_file: pin', "pin_file: give pin or pin_file, not both", id="both"),
    pytest.param("pin_file: long", "pin_file: the file must hold a PIN of 4 to 8 digits and nothing", id="file"),
    pytest.param("pin_file: no", "pin_file: must be a file that can be read: No such file", id="no file"),
]

SAVING = [
    pytest.param("active_time: 1", "active_time: must be a number of seconds from 2 to 11160 (got 1)", id="active"),
    pytest.param("active_time: 11161", "active_time: must be a number of seconds from 2 to 11160", id="active 2"),
    pytest.param("active_time: .nan", "active_time: must be a number of seconds from 2 to 11160", id="nan"),
    pytest.param("active_time: true", "from 2 to 11160 (got true)", id="true"),
    pytest.param('active_time: "60"', "from 2 to 11160 without quotes (got '60')", id="quotes"),
    pytest.param("active_time: 1 min", "from 2 to 11160 (got '1 min')", id="unit"),
    pytest.param("periodic_update: .inf", "periodic_update: must be a number of seconds from 2 to 35712000", id="inf"),
    pytest.param("periodic_update: 35712001", "periodic_update: must be a number of seconds from 2 to", id="update"),
    pytest.param(f"periodic_update: 1{'0' * 400}", "periodic_update: must be a number of seconds", id="huge"),
    pytest.param(
        "active_time: 60, periodic_update: 60",
        "periodic_update: must be longer than active_time, which is 60 s (got 60)",
        id="update within active time",
    ),
    pytest.param("edrx_cycle: 61.44", "edrx_cycle: must be one of 20.48, 40.96, 81.92, 163.84, ", id="cycle"),
    pytest.param('edrx_cycle: "20.48"', "10485.76 seconds without quotes (got '20.48')", id="cycle in quotes"),
    pytest.param("paging_window: 2.56", "paging_window: needs edrx_cycle as well", id="window alone"),
    pytest.param(
        "edrx_cycle: 81.92, paging_window: 3",
        "paging_window: must be a multiple of 2.56 from 2.56 to 40.96 seconds; next to it are 2.56 and 5.12 (got 3)",
        id="window between",
    ),
    pytest.param("edrx_cycle: 81.92, paging_window: 43.52", "from 2.56 to 40.96 seconds (got 43.52)", id="window"),
    pytest.param("edrx_cycle: 81.92, paging_window: 0", "from 2.56 to 40.96 seconds (got 0)", id="no window"),
    pytest.param(
        "edrx_cycle: 20.48, paging_window: 40.96",
        "paging_window: must not be longer than edrx_cycle, which is 20.48 s (got 40.96)",
        id="window longer than cycle",
    ),
    pytest.param("light_sleep: yes", "light_sleep: must be true or false (got 'yes')", id="yes"),
    pytest.param("release_assistance: 1", "release_assistance: must be true or false (got 1)", id="one"),
    pytest.param("retain_sockets: true", "retain_sockets: needs PSM: active_time or periodic_update", id="retain"),
    pytest.param("activ_time: 60", "activ_time: there is no such key; did you mean active_time?", id="typo"),
]

HOOK = [
    pytest.param("{}", "power: needs one of command, topic and gpio", id="none"),
    pytest.param("{duration: 5}", "power: needs one of command, topic and gpio", id="none but a key"),
    pytest.param("{command: sh, topic: x}", "power.topic: give command or topic, not both", id="two"),
    pytest.param(
        "{topic: x, gpio: {chip: gpiochip0, line: 1}}", "power.gpio: give topic or gpio, not both", id="two 2"
    ),
    pytest.param("{command: sh, press_payload: X}", "power.press_payload: needs topic as well", id="payload"),
    pytest.param("{command: sh, release_payload: X}", "power.release_payload: needs topic as well", id="payload 2"),
    pytest.param("{topic: x, press_payload: 1}", "press_payload: must be text: put it in quotes", id="number"),
    pytest.param("{topic: x, press_payload: ''}", "press_payload: must be text", id="empty payload"),
    pytest.param('{topic: x, press_payload: "\\ud800"}', "press_payload: must be valid UTF-8", id="UTF-8"),
    pytest.param("{command: ''}", "power.command: must name a program", id="empty"),
    pytest.param("{command: []}", "power.command: must name a program", id="empty list"),
    pytest.param("{command: ['', a]}", "power.command: must name a program", id="empty name"),
    pytest.param("{command: 5}", "power.command: must be a program with its arguments: a text, or a", id="5"),
    pytest.param("{command: [sh, 5]}", "power.command: each argument must be text: put numbers", id="argument"),
    pytest.param('{command: [sh, "a\\0"]}', "power.command: an argument has no zero byte", id="zero byte"),
    pytest.param('{command: "sh \\0"}', "power.command: an argument has no zero byte", id="zero byte 2"),
    pytest.param("{command: 'sh \"hunter2'}", "power.command: has a quotation mark or a backslash", id="quote"),
    pytest.param("{command: sh hunter2 | cat}", "is run without a shell, which | needs: put it in a", id="pipe"),
    pytest.param("{command: no-such-program-x hunter2}", "there is no such program on the PATH", id="no program"),
    pytest.param(
        "{command: ./no.sh hunter2}", "power.command: the program isn't there or may not be run", id="no file"
    ),
    pytest.param("{command: ./pin}", "power.command: the program isn't there or may not be run", id="no program 2"),
    pytest.param("{command: /tmp}", "power.command: the program isn't there or may not be run", id="directory"),
    pytest.param("{command: ~/power.sh}", "power.command: ~ is not filled in: write the program's", id="home"),
    pytest.param("{topic: a/+}", "power.topic: a topic to publish to has no wildcards", id="wildcard"),
    pytest.param("{topic: sim7020/x}", "power.topic: topics under sim7020/ are the bridge's own", id="own"),
    pytest.param("{topic: sim7020}", "power.topic: topics under sim7020/ are the bridge's own", id="base"),
    pytest.param("{topic: b/c}", "power.topic: what the socket data of shed receives would switch", id="received"),
    pytest.param(
        "{topic: a/plug/set}", "the socket data of shed would send what is published here: a/+/set", id="sent"
    ),
    pytest.param("{gpio: 17}", "power.gpio: must be a mapping of keys to values", id="gpio"),
    pytest.param("{gpio: {chip: gpiochip0}}", "gpio.line: the key line is missing: The line's number", id="line"),
    pytest.param("{gpio: {line: 17}}", "gpio.chip: the key chip is missing: The GPIO chip", id="no chip"),
    pytest.param("{gpio: {chip: 0, line: 17}}", "gpio.chip: must be text", id="chip number"),
    pytest.param("{gpio: {chip: gpio0, line: 17}}", "gpio.chip: must be a GPIO chip such as gpiochip0 or", id="chip"),
    pytest.param("{gpio: {chip: '--help', line: 17}}", "gpio.chip: must be a GPIO chip such as", id="option"),
    pytest.param("{gpio: {chip: gpiochip0, line: -1}}", "gpio.line: must be a whole number from 0 to 1023", id="-1"),
    pytest.param("{topic: x, duration: 0.05}", "power.duration: must be a number of seconds from 0.1 to 60", id="0.05"),
    pytest.param("{topic: x, duration: 61}", "power.duration: must be a number of seconds from 0.1 to 60", id="61"),
    pytest.param("{topic: x, wakes: ON}", "power.wakes: must be true or false (got 'ON')", id="wakes"),
]

REST = [
    pytest.param("recovery: {attach_ceiling: 3}", "attach_ceiling: must be a whole number from 4 to 1000", id="3"),
    pytest.param("recovery: {attach_ceiling: 1001}", "attach_ceiling: must be a whole number from 4 to", id="1001"),
    pytest.param("recovery: {powr: {}}", "recovery.powr: there is no such key; did you mean power?", id="powr"),
    pytest.param("recovery:", "recovery: must be a mapping of keys to values", id="empty recovery"),
    pytest.param("recovery: {power: }", "recovery.power: must be a mapping of keys to values", id="empty power"),
    pytest.param("power_saving: true", "power_saving: must be a mapping of keys to values", id="true"),
    pytest.param("allow_at: AT+CSQ", 'allow_at: must be a list of AT commands, such as ["AT+CSQ",', id="no list"),
    pytest.param("allow_at: ['*']", "allow_at, item 1: to allow every command, write AT* (got '*')", id="star"),
    pytest.param("allow_at: [AT, CSQ]", "allow_at, item 2: must start with AT (got 'CSQ')", id="no AT"),
    pytest.param("allow_at: [at+csq]", "allow_at, item 1: must start with AT (got 'at+csq')", id="small letters"),
    pytest.param("allow_at: [AT+CSQ;+CFUN=0]", "allow_at, item 1: must be one command", id="semicolon"),
    pytest.param('allow_at: ["AT+CSQ\\r"]', "allow_at, item 1: has printable ASCII characters only", id="CR"),
    pytest.param('allow_at: ["AT+CSQ\\n"]', "allow_at, item 1: has printable ASCII characters only", id="LF"),
    pytest.param('allow_at: ["AT+\\u00e9"]', "allow_at, item 1: has printable ASCII characters only", id="accent"),
    pytest.param('allow_at: ["AT+CSQ "]', "allow_at, item 1: has printable ASCII characters only, and no", id="blank"),
    pytest.param("allow_at: [5]", "allow_at, item 1: must be text", id="command number"),
    pytest.param("time_server: 'ntp://x'", "time_server: must be an IPv4 address or a host name", id="server URL"),
    pytest.param("time_server: '2001:db8::1'", "time_server: must be an IPv4 address or a host name", id="IPv6"),
    pytest.param("time_server: 'a\"b'", "time_server: must be an IPv4 address or a host name", id="server quote"),
]


def the_mistake(directory: Path, modem: str) -> str:
    """Return the one mistake that a file has, at whatever line, without the file's name."""
    with pytest.raises(ConfigurationError) as caught:
        load(written(directory, modem))
    assert len(caught.value.mistakes) == 1, str(caught.value)
    mistake = str(caught.value).removeprefix(f"{directory / 'bridge.yaml'}:")
    assert len(mistake) < 400
    return mistake


@pytest.mark.parametrize(("key", "message"), PIN)
def test_wrong_pins(tmp_path: Path, key: str, message: str) -> None:
    """A wrong PIN is explained and never shown."""
    mistake = the_mistake(tmp_path, key)
    assert re.match(r"[45]: modems\.shed\.", mistake)
    assert message in mistake
    assert not re.search(r"12[3a]", mistake)


@pytest.mark.parametrize(("keys", "message"), SAVING)
def test_wrong_power_saving(tmp_path: Path, keys: str, message: str) -> None:
    """What the timers can't hold or what makes no sense together is refused."""
    mistake = the_mistake(tmp_path, f"power_saving: {{{keys}}}")
    assert mistake.startswith("4: modems.shed.power_saving.")
    assert message in mistake


@pytest.mark.parametrize(("hook", "message"), HOOK)
def test_wrong_hooks(tmp_path: Path, hook: str, message: str) -> None:
    """A hook that couldn't work is found when the file is read, and its command's arguments are not shown."""
    mistake = the_mistake(tmp_path, f"recovery: {{power: {hook}}}")
    assert mistake.startswith("4: modems.shed.recovery.power")
    assert message in mistake
    assert "hunter2" not in mistake


@pytest.mark.parametrize(("key", "message"), REST)
def test_wrong_rest(tmp_path: Path, key: str, message: str) -> None:
    """The rest of a modem's section is checked alike."""
    mistake = the_mistake(tmp_path, key)
    assert mistake.startswith("4: modems.shed.")
    assert message in mistake


def test_hooks_of_one_modem_and_sockets_of_another(tmp_path: Path) -> None:
    """A topic is the bridge's own whichever modem uses it."""
    file = written(tmp_path, "baudrate: 115200")
    file.write_text(f"{file.read_text()}  attic: {{port: /dev/ttyS1, recovery: {{power: {{topic: b/c}}}}}}\n")
    with pytest.raises(ConfigurationError, match="what the socket data of shed receives would switch the power"):
        load(file)


def test_documented_examples_load(tmp_path: Path) -> None:
    """Each example in the documentation is good where it says that it belongs."""
    examples = re.findall(r"```yaml\n((?:power_saving|recovery):\n.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 4
    for example in examples:
        program = tmp_path / "usb-power"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        here = example.replace("/usr/local/bin/usb-power", str(program))
        load(written(tmp_path, "\n    ".join(here.splitlines())))


def test_defaults_are_documented_as_yaml() -> None:
    """Defaults in the documentation are what a user would write."""
    defaults = {key.path: key.default for key in describe(root(Path()))}
    assert defaults["modems.<modem>.power_saving.light_sleep"] == "false"
    assert defaults["modems.<modem>.recovery.power.duration"] == "1"
    assert defaults["modems.<modem>.recovery.attach_ceiling"] == "48"
