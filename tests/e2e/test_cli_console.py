"""``console`` in a real terminal and from a pipe, against the emulator."""

import asyncio
import sys
from pathlib import Path

import pytest
import serial

from tests.e2e.line_partner import line_partner, silent
from tests.e2e.programs import Emulator
from tests.e2e.terminal import Terminal
from tests.e2e.world import World, run
from tests.pty_peer import PtyPeer

PROGRAM = (sys.executable, "-m", "sim7020_bridge", "console")
UP, END_OF_INPUT = "\x1b[A", "\x04"


async def emulated(directory: Path, *arguments: str) -> Emulator:
    """Start an emulated module that loses no time."""
    emulator = Emulator(directory, "module", ["--baud", "0", "--speed", "0", "--attached", *arguments])
    await emulator.start()
    return emulator


async def piped(port: str, text: str, *arguments: str) -> tuple[int, str, str]:
    """Run the console with a script on standard input; return exit status, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        port,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, err = await process.communicate(text.encode())
    return process.returncode or 0, out.decode(), err.decode()


async def test_a_person_speaks_with_the_module(tmp_path: Path) -> None:
    """What is typed is sent, answered and explained; what comes by itself is shown; the history brings lines back."""
    environment = {"XDG_STATE_HOME": str(tmp_path / "state")}
    emulator = await emulated(tmp_path, "--control", str(tmp_path / "control"))
    try:
        async with Terminal("console", emulator.place, environment=environment) as screen:
            place = await screen.sees("AT> ")
            screen.types("AT+CSQ\r")
            place = await screen.sees("signal: about -69 dBm, good", after=place)
            place = await screen.sees("AT> ", after=await screen.sees("done", after=place))
            screen.types("AT+CP")
            await screen.sees("AT+CP", after=place)
            tell = (sys.executable, "-m", "sim7020_emulator", "--tell", str(tmp_path / "control"))
            assert (await run(*tell, "urc", '+CPSMSTATUS: "ENTER PSM"'))[0] == 0
            place = await screen.sees("the module enters PSM and falls silent", after=place)
            place = await screen.sees("AT> AT+CP", after=place)
            screen.types("IN?\r")
            place = await screen.sees("the SIM is ready", after=place)
            place = await screen.sees("AT> ", after=place)
            screen.types("AT+CPIN=4321\r")
            place = await screen.sees("refused, without a reason", after=place)
            place = await screen.sees("AT> ", after=place)
            screen.types(f"{UP}\r")
            place = await screen.sees("AT> AT+CPIN?", after=place - 4)
            await screen.sees("AT> ", after=await screen.sees("done", after=place))
            screen.types(END_OF_INPUT)
            assert await screen.ends() == 0
        history = (tmp_path / "state" / "sim7020-bridge" / "console-history").read_text()
        assert "AT+CPIN?" in history
        assert "4321" not in history
    finally:
        await emulator.stop()


async def test_a_script_waits_for_each_answer(tmp_path: Path) -> None:
    """From a pipe each line is sent once the one before is done, data at a prompt included."""
    emulator = await emulated(tmp_path)
    try:
        code, out, err = await piped(emulator.place, "AT+CSQ\n\nAT+CSOC=1,2,1\nAT+CSODSEND=9\nAT+CIMI\n")
        assert err == ""
        assert code == 1
        assert [line.split()[1] for line in out.splitlines() if line.startswith("> ")] == [
            "AT+CSQ",
            "AT+CSOC=1,2,1",
            "AT+CSODSEND=9",
            "AT+CIMI",
        ]
        assert "socket 0 was created" in out
        assert emulator.commands() == ["AT+CSQ", "AT+CSOC=1,2,1", "AT+CSODSEND=9", "AT+CIMI"]
        code, _, _ = await piped(emulator.place, "AT\n")
        assert code == 0
    finally:
        await emulator.stop()


async def test_silence_is_said() -> None:
    """A module that does not answer in time is told of, and the exit status of a script says so."""
    async with line_partner(silent) as port:
        code, out, err = await piped(port, "AT\n", "--timeout", "0.5")
    assert (code, err) == (1, "")
    assert "no final result within 0.5 s" in out


async def test_what_is_no_command() -> None:
    """What no module answers is refused at once and not sent; help helps, and exit leaves what follows unsaid."""
    heard: list[bytes] = []

    def module(data: bytes) -> bytes:
        heard.append(data)
        return b"\r\nOK\r\n"

    async with line_partner(module) as port:
        code, out, err = await piped(port, "help\nhello\nat\nexit\nAT+CSQ\n")
    assert (code, err) == (1, "")
    assert b"".join(heard) == b"at\r"
    assert "any AT command" in out
    assert "hello does not begin with AT" in out


async def test_a_port_without_a_slash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device of that name in the working directory is a port, as it is for probe, and no modem."""
    (tmp_path / "modem").symlink_to("/dev/null")
    monkeypatch.chdir(tmp_path)
    code, _, err = await piped("modem", "AT\n")
    assert code == 1
    assert "broker" not in err


async def test_payload_at_a_prompt() -> None:
    """Behind a prompt the next line is payload: as it is where it was counted, with its end where not."""

    def module(data: bytes) -> bytes:
        heard.append(data)
        return b"\r\n> " if data.startswith(b"AT") else b"\r\nDATA ACCEPT: 5\r\n"

    heard: list[bytes] = []
    async with line_partner(module) as port:
        code, out, _ = await piped(port, "AT+CSODSEND=0,5\nhello\nAT+CSODSEND=0\nhello\n")
    assert code == 0
    assert b"".join(heard) == b"AT+CSODSEND=0,5\rhelloAT+CSODSEND=0\rhello\x1a"
    assert out.count("5 bytes were taken") == 2


async def test_a_port_that_is_held_or_missing_is_an_error_of_one_line(tmp_path: Path) -> None:
    """Who holds the port is named, with the way through the bridge; nothing is written to it."""
    async with PtyPeer() as peer:
        with serial.Serial(peer.path, exclusive=True):
            code, out, err = await piped(peer.path, "AT\n")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "the program" in err
    assert "sim7020-bridge console MODEM" in err
    code, _, err = await piped(str(tmp_path / "nothing"), "AT\n")
    assert (code, err.count("\n")) == (1, 1)
    assert "there is no such device" in err
    code, _, err = await piped("/dev/nothing", "", "--baud", "7")
    assert code == 2


async def test_an_unplugged_module_ends_the_conversation() -> None:
    """When the device goes away while a person is about to type, the console ends and leaves the terminal in order."""
    async with PtyPeer() as peer:
        screen = Terminal("console", peer.path)
        await screen.__aenter__()
        await screen.sees("AT> ")
    try:
        await screen.sees("went away")
        assert await screen.ends() == 1
    finally:
        await screen.__aexit__(None, None, None)


async def test_through_a_bridge_that_runs(world: World) -> None:
    """While the bridge has the port, its modem is asked over MQTT: what is allowed is answered and explained."""
    emulator = await world.emulator("--attached")
    await world.shed(emulator.place, allow_at=["AT+CSQ", "AT+COPS*"])
    broker = ("--broker", f"{world.broker.host}:{world.broker.port}")
    code, out, err = await piped("shed", "AT+CSQ\n", *broker)
    assert (code, err) == (0, "")
    assert "signal: about -69 dBm, good" in out
    assert "< OK" in out
    code, out, _ = await piped("shed", "AT+CPIN?\nAT+COPS?\n", *broker)
    assert code == 1
    assert "add it to allow_at" in out
    assert "operator: " in out
    code, out, err = await piped(emulator.place, "AT\n")
    assert (code, out) == (1, "")
    assert "sim7020-bridge console MODEM" in err
    code, out, err = await piped("nobody", "AT\n", *broker)
    assert (code, out) == (2, "")
    assert err.endswith("; there are: shed\n")
    async with Terminal("console", "shed", *broker) as terminal:
        place = await terminal.sees("AT> ")
        terminal.types("AT+CSQ\r")
        await terminal.sees("AT> ", after=await terminal.sees("good", after=place))
        terminal.types(END_OF_INPUT)
        assert await terminal.ends() == 0


async def test_neither_a_port_nor_a_modem() -> None:
    """A place that can't be either is a wrong command line."""
    code, _, err = await piped("What?", "")
    assert code == 2
    assert "neither a port nor a modem" in err
