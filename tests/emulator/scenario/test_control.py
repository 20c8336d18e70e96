"""The control channel, and what it does to a real port, with the program itself."""

import asyncio
import contextlib
import os
import select
import signal
import socket
import sys
import termios
from pathlib import Path

import pytest

from sim7020_emulator.__main__ import main
from sim7020_emulator.mistakes import Mistake
from sim7020_emulator.scenario.control import Control, tell
from tests.emulator.program import PATIENCE, QUICK, ask, connected, open_tty, read_until, running, until
from tests.emulator.stage import Theatre, play
from tests.ports import free_port


def _hung_up(file: int) -> bool:
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def test_events_come_from_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--tell makes an event happen, prints the answer, and fails with status 2 if there is none or it is refused."""
    control, trace = tmp_path / "control", tmp_path / "trace"

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sim7020-emulator", "--tell", str(control), *words])
        status = 0
        try:
            main()
        except SystemExit as left:
            status = int(str(left.code))
        return status, *capsys.readouterr()

    with running("--link", str(tmp_path / "m"), *QUICK, "--control", str(control), "--trace", str(trace)) as (it, _):
        assert run("state") == (0, "power=on sim='READY' stat=1 pdn=1\n", "")
        assert run("pwrkey") == (0, "ok\n", "")
        assert run("state") == (0, "power=off sim='off' stat=0 pdn=0\n", "")
        assert run("power", "on") == (0, "ok\n", "")
        assert run("urc", "+XYZ: 1,2") == (0, "ok\n", "")
        assert run("urc '+XYZ: 3'") == (0, "ok\n", "")
        refused = "sim7020-emulator: 'deaf soon': SECONDS can't be 'soon'; it is a number of seconds, 0 or more"
        assert run("deaf", "soon") == (2, "", f"{refused} (usage: deaf [SECONDS])\n")
        assert run() == (2, "", "sim7020-emulator: --tell needs a PATH and the words of an event\n")
        lines = trace.read_text().splitlines()
        it.send_signal(signal.SIGTERM)
        assert it.wait(PATIENCE) == 0
    assert {"# fault: pwrkey", "# event: off", "# fault: power on", "< +XYZ: 1,2", "< +XYZ: 3"} <= set(lines)
    assert not control.exists()
    assert run("pwrkey") == (2, "", f"sim7020-emulator: nobody listens at {control}: No such file or directory\n")


def test_many_events_on_one_connection(tmp_path: Path) -> None:
    """Each line has its answer; a line without end is answered too, and the emulator lives on."""
    control = tmp_path / "control"
    with running("--link", str(tmp_path / "m"), *QUICK, "--control", str(control)) as (it, _):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(control))
            connection.sendall(b"signal 5\nmend\n\nnonsense\n")
            file = connection.makefile()
            assert [file.readline()[:5] for _ in range(4)] == ["ok\n", "ok\n", "error", "error"]
            with contextlib.suppress(OSError):
                connection.sendall(b"x" * 200_000)
            assert file.readline() == "error: the line is too long\n"
            file.close()
        assert tell(control, ["state"]).startswith("power=on")
        it.send_signal(signal.SIGINT)
        assert it.wait(PATIENCE) == 0


def test_place_of_the_control_channel(tmp_path: Path) -> None:
    """A socket left over is replaced; a file, a listener or a missing directory is a mistake."""
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))

    async def act(theatre: Theatre) -> None:
        control = Control(path, theatre.player, theatre.module)
        await control.open()
        with pytest.raises(Mistake, match="another emulator does"):
            await Control(path, theatre.player, theatre.module).open()
        await control.close()
        path.write_text("mine")
        with pytest.raises(Mistake, match="something else than a socket is there"):
            await Control(path, theatre.player, theatre.module).open()
        with pytest.raises(Mistake, match="No such file or directory"):
            await Control(tmp_path / "no" / "control", theatre.player, theatre.module).open()
        await asyncio.sleep(0)

    play(act)
    assert path.read_text() == "mine"


def test_pty_goes_and_returns_under_its_link(tmp_path: Path) -> None:
    """A closed port hangs up and its link is gone; opened, it answers there again."""
    link, control = tmp_path / "m", tmp_path / "control"
    with running("--link", str(link), *QUICK, "--control", str(control)):
        file = open_tty(link)
        os.write(file, b"ATE0\r")
        assert read_until(file).endswith(b"OK\r\n")
        tell(control, ["port close"])
        until(lambda: _hung_up(file))
        assert not os.path.lexists(link)
        os.close(file)
        tell(control, ["port open"])
        until(link.exists)
        assert ask(link) == b"\r\nOK\r\n"
        tell(control, ["port close 0.1"])
        until(lambda: not os.path.lexists(link))
        until(link.exists)
        assert ask(link) == b"\r\nOK\r\n"
    assert not os.path.lexists(link)


def test_pty_moves_to_another_device(tmp_path: Path) -> None:
    """The link is there all the time, leads to another device, and the client is hung up on."""
    link, control = tmp_path / "m", tmp_path / "control"
    with running("--link", str(link), *QUICK, "--control", str(control)):
        for _ in range(3):
            file = open_tty(link)
            before = link.resolve()
            tell(control, ["port move"])
            until(lambda file=file: _hung_up(file))  # type: ignore[misc]
            os.close(file)
            assert link.resolve() != before
            assert ask(link).endswith(b"\r\nOK\r\n")


def test_tcp_port_closes_and_listens_again(tmp_path: Path) -> None:
    """The client is hung up on, the port refuses, and then serves under the same number."""
    control = tmp_path / "control"
    with running("--tcp", f"127.0.0.1:{free_port()}", *QUICK, "--control", str(control)) as (_, printed):
        host, _, port = printed.rpartition(":")
        for words in ("port close", "port move"):
            client, _ = connected(printed)
            with client:
                tell(control, [words])
                assert client.recv(10) == b""
            if words == "port close":
                with pytest.raises(ConnectionRefusedError):
                    socket.create_connection((host, int(port)), PATIENCE).close()
                tell(control, ["port open"])
        connected(printed)[0].close()


@pytest.mark.parametrize("baud", ["0", "115200"])
def test_wrong_rate_is_garbage_until_the_host_finds_it(tmp_path: Path, baud: str) -> None:
    """Nothing is understood at another rate; at the right one the module answers, and +IPR changes it."""
    link = tmp_path / "m"
    arguments = ("--link", str(link), "--baud", baud, "--speed", "0", "--attached", "--scenario", "rate-wrong")
    with running(*arguments):
        file = open_tty(link)
        for rate, line, understood in (
            (termios.B115200, b"AT\r", False),
            (termios.B9600, b"\rAT\r", True),
            (termios.B9600, b"AT+IPR=57600\r", True),
            (termios.B9600, b"AT\r", False),
            (termios.B57600, b"\rAT\r", True),
        ):
            attributes = termios.tcgetattr(file)
            attributes[4] = attributes[5] = rate
            termios.tcsetattr(file, termios.TCSANOW, attributes)
            termios.tcflush(file, termios.TCIFLUSH)
            os.write(file, line)
            got = read_until(file, patience=PATIENCE if understood else 0.4)
            assert got.endswith(b"OK\r\n") is understood
            assert understood or got == b"" or max(got) > 0x7F
        os.close(file)


def test_port_that_cannot_come_back_is_told(tmp_path: Path) -> None:
    """A file in the way of the link is written to the trace; the port can be opened once it is gone."""
    link, control, trace = tmp_path / "m", tmp_path / "control", tmp_path / "trace"
    with running("--link", str(link), *QUICK, "--control", str(control), "--trace", str(trace)):
        tell(control, ["port close"])
        until(lambda: not os.path.lexists(link))
        link.write_text("mine")
        tell(control, ["port open"])
        until(lambda: "the port did not come back: can't make the link" in trace.read_text())
        link.unlink()
        tell(control, ["port open"])
        until(link.exists)
        assert ask(link).endswith(b"OK\r\n")
