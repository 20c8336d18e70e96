"""``probe`` against the emulator and against other devices: at the first layer that is broken it says what to do."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import serial

from sim7020_bridge.kit.probe.advice import Problem
from sim7020_bridge.modem.alerts import AlertId
from sim7020_bridge.port.listing import SerialPort
from sim7020_emulator.emulator import running
from sim7020_emulator.options import read_options
from tests.command_line import typed
from tests.e2e.line_partner import echo, line_partner, nodder, other_modem, satellite_receiver, silent, telnet
from tests.e2e.programs import Emulator
from tests.e2e.terminal import Terminal
from tests.e2e.world import run
from tests.fast_time import FastLoop
from tests.ports import free_port
from tests.pty_peer import PtyPeer

SPEED = 20.0
"""How many times as fast as the world's the clock of a probe and its module is."""

NAMES = ("--dns", "example.com=192.0.2.7", "--ping", "192.0.2.7=3,2,2")
NO_PORT = "Plug it in: there is no serial port."
LAYERS = [
    *("port", "baud_rate", "module", "firmware", "sim", "signal"),
    *("registration", "apn", "address", "dns", "ping"),
]


async def probed(port: str, *arguments: str, status: int = 1) -> dict[str, Any]:
    """Probe a port and return the document; nothing may be said on standard error."""
    code, out, err = await run(sys.executable, "-m", "sim7020_bridge", "probe", port, "--json", *arguments)
    assert err == ""
    assert code == status, out
    document: dict[str, Any] = json.loads(out)
    return document


def probed_beside(
    port: str, partner: AbstractAsyncContextManager[Any], *arguments: str, status: int = 1
) -> dict[str, Any]:
    """Probe what is at a port while the block lasts, both on one clock that is faster than the world's."""
    with running_beside(partner):
        code, out, err = typed("probe", port, "--json", *arguments)
    assert err == ""
    assert code == status, out
    document: dict[str, Any] = json.loads(out)
    return document


@contextmanager
def running_beside(partner: AbstractAsyncContextManager[Any]) -> Iterator[None]:
    """Let what a probe runs run beside what is at its port, on that clock."""

    def run_beside(probe: Coroutine[Any, Any, bool]) -> bool:
        async def beside() -> bool:
            async with partner:
                loop.run_at(SPEED)
                return await probe

        loop = FastLoop()
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            return runner.run(beside())

    with patch("asyncio.run", run_beside):
        yield


def module_at(link: Path, *arguments: str, baud: str = "0") -> AbstractAsyncContextManager[Any]:
    """Run an emulated module that loses no time on a pty that a link leads to."""
    return running(read_options(["--baud", baud, "--speed", "0", "--link", str(link), *NAMES, *arguments]))


async def emulated(directory: Path, *arguments: str, attached: bool = True, baud: str = "0") -> Emulator:
    """Start an emulated module that loses no time."""
    where = ("--attached",) if attached else ()
    emulator = Emulator(directory, "module", ["--baud", baud, "--speed", "0", *where, *NAMES, *arguments])
    await emulator.start()
    return emulator


async def test_all_layers_hold_and_nothing_is_left_changed(tmp_path: Path) -> None:
    """A modem in order is followed up to the ping; who it is stays hidden, and its settings stay as they were."""
    emulator = await emulated(tmp_path)
    try:
        document = await probed(emulator.place, "--apn", "shnbiot", status=0)
        assert (document["ok"], document["broken"], document["not_reached"]) == (True, None, [])
        assert [layer["layer"] for layer in document["layers"]] == LAYERS
        assert {layer["status"] for layer in document["layers"]} == {"fine"}
        assert "866207050000016" not in json.dumps(document)
        shown = await probed(emulator.place, "--show-identities", "--no-internet", status=0)
        assert "866207050000016" in json.dumps(shown)
        assert [layer["status"] for layer in shown["layers"][-2:]] == ["skipped", "skipped"]
        writes = [line for line in emulator.commands() if "=" in line and "=?" not in line]
        assert {line.partition("=")[0] for line in writes} == {"AT+CMEE", "AT+CDNSGIP", "AT+CIPPING"}
        assert [line for line in writes if line.startswith("AT+CMEE")][-1] == "AT+CMEE=0"
    finally:
        await emulator.stop()


BROKEN = {
    "no SIM": (["--set", "sim=absent"], [], "sim", "There is no SIM", "Put the SIM in"),
    "PIN wanted": (["--set", "sim=pin"], [], "sim", "asks for its PIN: none was given", "Set the right pin"),
    "wrong PIN": (["--set", "sim=pin"], ["--pin", "9999"], "sim", "the PIN was refused", "three wrong ones"),
    "last try": (
        ["--set", "sim=pin", "--set", "pin_tries=1"],
        ["--pin", "1234"],
        "sim",
        "only 1 try is left, so the PIN was not tried",
        "enter the right PIN there once",
    ),
    "PUK wanted": (["--set", "sim=puk"], [], "sim", "asks for its PUK", "enter the PUK"),
    "SIM failed": (["--set", "sim=failed"], [], "sim", "does not become ready: the SIM says SIM fail", "another SIM"),
    "no signal": (
        ["--set", "rssi=99", "--set", "registration=searching"],
        ["--timeout", "2"],
        "signal",
        "There is no signal",
        "Check the antenna",
    ),
    "weak signal": (
        ["--set", "rssi=3", "--set", "registration=searching"],
        ["--timeout", "2"],
        "signal",
        "too weak",
        "Check the antenna",
    ),
    "searching": (
        ["--set", "registration=searching"],
        ["--timeout", "2"],
        "registration",
        "searching for a network",
        "allow 600 seconds",
    ),
    "attach withheld": (
        ["--set", "registration=withheld"],
        [],
        "registration",
        "waits for the command to attach",
        "AT+CGATT=1",
    ),
    "denied": (
        ["--set", "registration=denied:11"],
        [],
        "registration",
        "PLMN not allowed",
        "Check with the operator",
    ),
    "told to stay away": (
        ["--scenario", "back-off-at-start"],
        ["--timeout", "2"],
        "registration",
        "told the module to stay away",
        "Wait until that is over",
    ),
    "other APN": (["--attached"], ["--apn", "other.example"], "apn", "The APN is shnbiot", "apn: other.example"),
    "no DNS": (
        ["--attached", "--dns", "gone.test=fail:8"],
        ["--host", "gone.test"],
        "dns",
        "DNS common error",
        "use addresses",
    ),
    "no echo": (
        ["--attached", "--ping", "192.0.2.9=lost,lost,lost"],
        ["--host", "192.0.2.9"],
        "ping",
        "does not answer",
        "operators drop pings",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_the_first_broken_layer_gets_the_right_advice(tmp_path: Path, case: str) -> None:
    """Each trouble of SIM, radio, network and context is found where it is, said, and comes with what to do."""
    module, arguments, layer, summary, advice = BROKEN[case]
    link = tmp_path / "module"
    document = probed_beside(str(link), module_at(link, *module), *arguments)
    last = document["layers"][-1]
    assert (document["broken"], last["layer"], last["status"]) == (layer, layer, "broken")
    assert summary in last["summary"]
    assert advice in last["advice"]
    assert last["problem"] in {*AlertId, *Problem}
    assert "--" not in last["summary"] + last["advice"], "the page says the same, and has no options"
    assert {found["status"] for found in document["layers"][:-1]} <= {"fine", "skipped"}
    assert document["not_reached"] == LAYERS[LAYERS.index(layer) + 1 :]


def test_a_signal_that_there_is_not(tmp_path: Path) -> None:
    """Of a signal beyond the table no strength is told, and a module that is registered all the same has one."""
    scenario = tmp_path / "signal.toml"
    scenario.write_text(
        'description = "A signal beyond the table"\n'
        '[[event]]\ndo = "withhold AT+CSQ"\n'
        '[[event]]\ncommand = "AT+CSQ"\ntimes = "ever"\ndo = [\'urc "+CSQ: 199,32"\', "urc OK"]\n',
        encoding="utf-8",
    )
    link = tmp_path / "module"
    module = module_at(link, "--attached", "--scenario", str(scenario))
    document = probed_beside(str(link), module, "--no-internet", status=0)
    (signal,) = (layer for layer in document["layers"] if layer["layer"] == "signal")
    assert (signal["status"], signal["summary"], signal["details"]) == ("warning", "strength not known", {})


async def test_a_pin_from_the_environment_unlocks(tmp_path: Path) -> None:
    """A PIN that is right is entered once, and the probe goes on."""
    emulator = await emulated(tmp_path, "--set", "sim=pin", "--set", "registration_time=0", attached=False)
    try:
        async with Terminal("probe", emulator.place, "--pin", "--no-internet") as terminal:
            await terminal.sees("PIN of the SIM")
            terminal.types("1234\r")
            await terminal.sees("All layers work.")
            assert await terminal.ends() == 0
            assert "1234" not in terminal.shown
        assert [line for line in emulator.commands() if line.startswith("AT+CPIN=")] == ["AT+CPIN=1234"]
    finally:
        await emulator.stop()


def test_a_wrong_baud_rate_is_found_out(tmp_path: Path) -> None:
    """A module at another rate than the given one is looked for at the others; without one given it is just found."""
    link = tmp_path / "module"
    garbled = ("--variant", "wrong_rate=garbage", "--attached")
    document = probed_beside(str(link), module_at(link, *garbled, baud="9600"), "--baud", "115200")
    assert document["broken"] == "baud_rate"
    last = document["layers"][-1]
    assert last["summary"] == "The module answers at 9600, not at 115200"
    assert last["problem"] == "other_rate"
    assert "baudrate: 9600" in last["advice"]
    found = probed_beside(str(link), module_at(link, *garbled, baud="9600"), "--no-internet", status=0)
    rate = found["layers"][1]
    assert (rate["status"], rate["details"]) == ("warning", {"baudrate": 9600})
    assert (rate["problem"], found["layers"][0]["problem"]) == ("rate_to_set", None)
    assert "baudrate: 9600" in rate["advice"]
    with running_beside(module_at(link, *garbled, baud="9600")):
        code, out, _ = typed("probe", str(link), "--no-internet")
    assert (code, out.splitlines()[-1]) == (0, "All layers work, but see what is marked with !")
    known = probed_beside(
        str(link), module_at(link, *garbled, baud="9600"), "--baud", "9600", "--no-internet", status=0
    )
    assert known["layers"][1]["status"] == "fine"


async def test_numeric_results_are_left_as_they_were(tmp_path: Path) -> None:
    """A module that another program left in ATV0 is read all the same, and is in ATV0 afterwards."""
    emulator = await emulated(tmp_path, "--scenario", "settings-strange")
    try:
        await probed(emulator.place, "--no-internet", status=0)
        assert emulator.commands()[-1] == "ATV0"
    finally:
        await emulator.stop()


def test_a_rate_that_nobody_uses_is_told_from_silence(tmp_path: Path) -> None:
    """Where only garbage comes at every rate, the rate is what is broken."""
    link = tmp_path / "module"
    document = probed_beside(str(link), module_at(link, "--variant", "wrong_rate=garbage", "--attached", baud="1200"))
    assert document["broken"] == "baud_rate"
    assert "not at this baud rate" in document["layers"][-1]["summary"]
    assert "baudrate" in document["layers"][-1]["advice"]


@pytest.mark.parametrize(
    ("partner", "summary", "advice"),
    [
        (silent, "Nothing answers behind the serial server", "powered"),
        (nodder, "Something answers OK at the port to whatever it is asked", "sim7020-bridge ports"),
        (echo, "What is sent comes back, and nothing else", "TX and RX"),
        (other_modem, "says that it is a SIM800L", "Check that the configured port is the modem's"),
        (satellite_receiver, "it is no modem: '$GPGGA", "sim7020-bridge ports"),
        (telnet, "it is no modem: it negotiates telnet", "rfc2217://"),
    ],
)
def test_other_devices_are_told_apart(partner: Callable[[bytes], bytes], summary: str, advice: str) -> None:
    """Silence, joined wires, another modem and a talking sensor each get their own advice."""
    port = free_port()
    document = probed_beside(f"socket://127.0.0.1:{port}", line_partner(partner, port=port))
    assert document["broken"] == "module"
    assert summary in document["layers"][-1]["summary"]
    assert advice in document["layers"][-1]["advice"]


@pytest.mark.parametrize("there", ["/dev/ttyUSB7", ""])
def test_a_missing_port(tmp_path: Path, there: str) -> None:
    """A port that is not there is named, and so are those that are."""
    found = (SerialPort(there, (), None, (), usable=True),) if there else ()
    with patch("sim7020_bridge.kit.probe.probe.serial_ports", lambda: found):
        code, out, err = typed("probe", str(tmp_path / "nothing"))
    assert (code, err) == (1, "")
    first, advice, last = out.splitlines()
    assert first.endswith(f"There is no device {tmp_path}/nothing")
    assert advice.strip() == (
        "Plug the modem in, or use one of these ports: /dev/ttyUSB7"
        if there
        else "Plug it in: there is no serial port."
    )
    assert last == "Fix this, then probe again."


async def test_a_busy_port_names_its_holder() -> None:
    """A port that another program holds is broken, and the program is named."""
    async with PtyPeer() as peer:
        with serial.Serial(peer.path, exclusive=True):
            document = await probed(peer.path)
    assert document["broken"] == "port"
    assert "has it open" in document["layers"][0]["summary"]
    assert "Stop the other program" in document["layers"][0]["advice"]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
async def test_a_terminal_shows_the_probe(tmp_path: Path, encoding: str) -> None:
    """In a terminal each layer is a line, the signal has a bar, and the advice stands where the probe ends."""
    environment = {"PYTHONIOENCODING": encoding}
    emulator = await emulated(tmp_path)
    try:
        async with Terminal("probe", emulator.place, "--apn", "other.example", environment=environment) as terminal:
            await terminal.sees("Fix this, then probe again.")
            assert await terminal.ends() == 1
            assert "+ signal       ######.... -69 dBm, good" in terminal.shown
            assert "x APN" in terminal.shown
            assert "Set apn: other.example in the configuration" in terminal.shown
    finally:
        await emulator.stop()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--baud", "12345"], "no rate of 12345"),
        (["--pin", "12"], "4 to 8 digits"),
        (["--host", 'a"b'], "a host may hold"),
        (["--timeout", "0"], "--timeout"),
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str], said: str) -> None:
    """What makes no sense is refused with status 2 before any port is touched."""
    code, out, err = typed("probe", "/dev/nothing", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
