"""The program: its ports, its mistakes, its end."""

import asyncio
import contextlib
import os
import select
import signal
import socket
import sys
import termios
import time
from pathlib import Path

import pytest

from sim7020_emulator.__main__ import main
from sim7020_emulator.mistakes import Mistake
from sim7020_emulator.options import read_options
from sim7020_emulator.scenario.control import tell
from tests.emulator.program import (
    PATIENCE,
    QUICK,
    ask,
    connected,
    has_client,
    open_tty,
    read_until,
    running,
    until,
)


def test_two_clients_in_turn(tmp_path: Path) -> None:
    """Clients come and go; what is said to nobody, or left unread, is not there for the next."""
    link, control = tmp_path / "modem", tmp_path / "control"
    with running("--link", str(link), *QUICK, "--control", str(control)) as (process, printed):
        assert printed == str(link)
        for _ in range(3):
            file = open_tty(printed)
            os.write(file, b"AT+CGMM\r\n")
            assert read_until(file, b"OK\r\n") == b"AT+CGMM\r\r\nSIM7020E\r\n\r\nOK\r\n"
            os.write(file, b"AT+CGMI\r")
            select.select([file], [], [], PATIENCE)
            assert has_client(process.pid)
            os.close(file)
            until(lambda: not has_client(process.pid))
        for power in ("off", "on"):
            process.send_signal(signal.SIGUSR1)
            until(lambda power=power: tell(control, ["state"]).startswith(f"power={power} "))  # type: ignore[misc]
        file = open_tty(printed)
        os.write(file, b"AT\r")
        assert read_until(file, b"OK\r\n") == b"AT\r\r\nOK\r\n"
        os.close(file)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert not os.path.lexists(link)


def test_every_byte_passes_the_pty(tmp_path: Path) -> None:
    """The pty is raw: no byte of a data mode payload is lost or changed either way."""
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(PATIENCE)
        with running("--link", str(tmp_path / "modem"), *QUICK) as (_, printed):
            file = open_tty(printed)
            for line, end in (
                (b"ATE0;+CSORCVFLAG=1\r", b"OK\r\n"),
                (b"AT+CSOC=1,2,1\r", b"OK\r\n"),
                (b"AT+CSOCON=0,%d,127.0.0.1\r" % server.getsockname()[1], b"OK\r\n"),
                (b"AT+CSODSEND=0,256\r", b"> "),
                (bytes(range(256)), b"256\r\n"),
            ):
                os.write(file, line)
                assert read_until(file, end).endswith(end)
            data, address = server.recvfrom(1000)
            assert data == bytes(range(256))
            server.sendto(data, address)
            assert read_until(file, data + b"\r\n") == b"\r\n+CSONMI: 0,256," + data + b"\r\n"
            os.close(file)


def test_pty_is_paced(tmp_path: Path) -> None:
    """A pty at 9600 baud is no faster than its bits."""
    with running("--link", str(tmp_path / "modem"), "--baud", "9600", "--speed", "0", "--attached") as (_, printed):
        file = open_tty(printed)
        start = time.monotonic()
        os.write(file, b"AT&V\r")
        said = read_until(file, b"OK\r\n")
        # a busy machine adds to it, but never takes from it
        assert time.monotonic() - start > 0.8 * (len(said) + 5) * 10 / 9600
        os.close(file)


def test_wrong_rate_garbles(tmp_path: Path) -> None:
    """With wrong_rate=garbage a client at another rate is not understood; at the right one it is."""
    with running(
        "--link", str(tmp_path / "modem"), "--baud", "115200", "--speed", "0", "--attached",
        "--variant", "wrong_rate=garbage",
    ) as (_, printed):  # fmt: skip
        file = open_tty(printed)
        for rate, answered in ((termios.B9600, False), (termios.B115200, True)):
            attributes = termios.tcgetattr(file)
            attributes[4] = attributes[5] = rate
            termios.tcsetattr(file, termios.TCSANOW, attributes)
            os.write(file, b"\rAT\r")
            got = read_until(file, b"OK\r\n", PATIENCE if answered else 0.5)
            assert got.endswith(b"OK\r\n") is answered
        os.close(file)


def test_tcp_takes_one_client_at_a_time() -> None:
    """A second client is hung up on; after the first has gone the next is served."""
    with running("--tcp", "127.0.0.1:0", *QUICK) as (process, printed):
        host, _, port = printed.rpartition(":")
        for _ in range(2):
            first, said = connected(printed)
            with first:
                assert said == b"AT\r\r\nOK\r\n"
                with socket.create_connection((host, int(port)), PATIENCE) as second:
                    assert second.recv(10) == b""
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0


def test_server_s_rate_garbles() -> None:
    """Behind a serial server whose line has another rate a module is not understood until it has that rate, too."""
    with running("--tcp", "127.0.0.1:0", *QUICK, "--set", "server_rate=9600") as (_, printed):
        host, _, port = printed.rpartition(":")
        with socket.create_connection((host, int(port)), PATIENCE) as client:
            client.sendall(b"AT\r")
            assert b"OK" not in read_until(client.fileno(), patience=0.3)
    with running("--tcp", "127.0.0.1:0", *QUICK, "--set", "server_rate=115200") as (_, printed):
        client, _ = connected(printed)
        with client:
            client.sendall(b"AT+IPR=9600\r")
            assert read_until(client.fileno()).endswith(b"OK\r\n"), "the new rate is in force after the result"
            client.sendall(b"AT\r")
            assert b"OK" not in read_until(client.fileno(), patience=0.3)


def test_slam_says_its_word_and_hangs_up(tmp_path: Path) -> None:
    """Both kinds of port hang up on whoever opens them, and serve again when it is over."""
    link = tmp_path / "modem"

    def answer() -> bytes:
        with contextlib.suppress(OSError):
            return ask(link)
        return b""

    with running("--link", str(link), *QUICK, "--do", "slam 1.5 'Port already in use'"):
        until(lambda: answer() == b"Port already in use\r\n")
        until(lambda: answer().endswith(b"OK\r\n"))
    with running("--tcp", "127.0.0.1:0", *QUICK, "--do", "slam 0.6") as (_, printed):
        host, _, port = printed.rpartition(":")

        def hung_up() -> bool:
            with contextlib.suppress(ConnectionError), socket.create_connection((host, int(port)), PATIENCE) as client:
                return client.recv(10) == b""
            return False

        until(hung_up)
        connected(printed)[0].close()


def test_trace_is_written_as_it_happens(tmp_path: Path) -> None:
    """The trace has the dialogue in the transcripts' form while the program runs."""
    trace = tmp_path / "trace.at"
    with running("--link", str(tmp_path / "modem"), *QUICK, "--trace", str(trace)) as (process, printed):
        file = open_tty(printed)
        os.write(file, b"AT+CDNSCFG?\r")
        read_until(file, b"OK\r\n")
        process.send_signal(signal.SIGUSR1)
        read_until(file, b"DOWN\r\n")
        lines = [line for line in trace.read_text().splitlines() if not line.startswith("# time: ")]
        os.close(file)
    assert lines[:5] == [
        "> AT+CDNSCFG?",
        "< PrimaryDns: 114.114.114.114",
        "< SecondaryDns: 119.29.29.29",
        "< OK",
        "# event: pwrkey",
    ]


def test_link_replaces_a_stale_link_but_nothing_else(tmp_path: Path) -> None:
    """A link left over is replaced; a file in the way is a mistake."""
    link = tmp_path / "modem"
    link.symlink_to("/nowhere")
    with running("--link", str(link), *QUICK):
        assert os.readlink(link).startswith("/dev/")  # noqa: PTH115 (the text itself)
    link.unlink(missing_ok=True)
    link.write_text("mine")
    with running("--link", str(link), *QUICK) as (process, printed):
        assert printed == ""
        assert process.wait(PATIENCE) == 2
        assert process.stderr is not None
        assert process.stderr.read() == f"sim7020-emulator: can't make the link {link}: File exists\n"
    assert link.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "sim800"], "--model can't be 'sim800'; it is one of sim7020c, sim7020e, sim7020g"),
        (["--baud", "1234"], "--baud can't be '1234'; it is one of 0, 110"),
        (["--speed", "fast"], "--speed can't be 'fast'"),
        (["--speed", "-1"], "--speed can't be '-1'"),
        (["--speed", "nan"], "--speed can't be 'nan'"),
        (["--variant", "dns"], "--variant 'dns': give NAME=VALUE"),
        (["--variant", "colour=red"], "unknown variant 'colour'; known are dns, cereg_rac"),
        (["--variant", "dns=maybe"], "variant dns can't be 'maybe'; it is one of urc, sync"),
        (["--set", "mood=good"], "unknown fact 'mood'; known are imei, imsi"),
        (["--set", "imei=abc"], "imei can't be 'abc'"),
        (["--set", "rssi=32"], "rssi can't be '32'"),
        (["--set", "pci=loud"], "pci can't be 'loud': it is a number"),
        (["--set", "address=10.0.0.300"], "address can't be '10.0.0.300'"),
        (["--set", "registration=denied:x"], "registration can't be"),
        (["--set", "clock=now"], "clock can't be"),
        (["--set", "clock=20/13/41,00:00:00+00"], "clock can't be"),
        (["--dns", "a=b"], "--dns: 'b' is not a numeric address"),
        (["--ping", "1.2.3.4=soon"], "--ping '1.2.3.4=soon'"),
        (["--ping", "name=1"], "--ping: 'name' is not a numeric address"),
        (["--route", "1.2.3.4:99999=127.0.0.1"], "--route: '1.2.3.4:99999' is not HOST:PORT"),
        (["--do", "explode"], "the event can't be 'explode'"),
        (["--seed", "x"], "invalid int value: 'x'"),
        (["--fail", "1.2.3.4:5=99"], "the code is -1 or 1 to 12"),
        (["--fail", "1.2.3.4:5=2@noon"], "--fail: the moment can't be 'noon'"),
        (["--fail", "1.2.3.4=2"], "--fail: '1.2.3.4' is not HOST:PORT"),
        (["--tcp", "here"], "--tcp: 'here' is not HOST:PORT"),
        (["--link", "a", "--tcp", "b:1"], "not allowed with"),
        (["--sped", "1"], "unrecognized arguments"),
    ],
)
def test_mistakes(arguments: list[str], words: str) -> None:
    """Each mistake is one line that says what is allowed."""
    with pytest.raises(Mistake) as raised:
        read_options(arguments)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_mistake_ends_the_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake goes to stderr and gives exit status 2."""
    monkeypatch.setattr(sys, "argv", ["sim7020-emulator", "--set", "x=1"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith("sim7020-emulator: unknown fact 'x'")


def test_trace_that_cant_be_written(tmp_path: Path) -> None:
    """A trace file in a missing directory is a mistake."""
    with running(*QUICK, "--trace", str(tmp_path / "no" / "trace")) as (process, _):
        assert process.wait(PATIENCE) == 2


def test_help_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """--help lists every variant and fact."""
    with pytest.raises(SystemExit):
        read_options(["--help"])
    shown = capsys.readouterr().out
    assert "echo_quirk=no|yes" in shown
    assert "granted_active=asked" in shown


def test_tables_from_the_command_line() -> None:
    """Names, pings, routes and failures end up where the module looks."""
    setup = read_options(
        ["--dns", "A.b=1.2.3.4,1.2.3.5", "--dns", "c=fail:3", "--ping", "1.2.3.4=1,lost@9",
         "--route", "1.2.3.6:80=nowhere", "--route", "1.2.3.7=nowhere",
         "--route", "1.2.3.4=127.0.0.1:7", "--route", "1.2.3.5:80=127.0.0.1", "--fail", "1.2.3.4:5=-1"]
    ).setup  # fmt: skip
    internet = setup.internet
    assert internet.names == {"a.b": ("1.2.3.4", "1.2.3.5"), "c": 3}
    assert (internet.echo("1.2.3.4", 0).time, internet.echo("1.2.3.4", 3).time) == (1, None)
    assert internet.route("1.2.3.4", 99) == ("127.0.0.1", 7)
    assert internet.route("1.2.3.5", 80) == ("127.0.0.1", 80)
    assert internet.route("1.2.3.5", 81) == ("1.2.3.5", 81)
    places = [("1.2.3.6", 80), ("1.2.3.6", 81), ("1.2.3.7", 1), ("1.2.3.4", 1)]
    assert [internet.swallows(place) for place in places] == [True, False, True, False]
    assert internet.failures == {("1.2.3.4", 5): (-1, "connect")}


def test_events_and_seed_from_the_command_line(tmp_path: Path) -> None:
    """What is to happen at the start happens in that order, and is in the trace; the seed decides what is random."""
    traces = []
    for seed in ("1", "1", "2"):
        trace = tmp_path / "trace"
        events = ("--do", "set voltage=2900", "--do", "spoil 1", "--seed", seed, "--trace", str(trace))
        with running("--link", str(tmp_path / "modem"), *QUICK, *events) as (_, printed):
            file = open_tty(printed)
            os.write(file, b"ATE0;+CBC\r")
            until(lambda trace=trace: trace.read_text().count("# spoilt: ") == 3)  # type: ignore[misc]
            os.close(file)
        traces.append([line for line in trace.read_text().splitlines() if not line.startswith("# time: ")])
    told = [line for line in traces[0] if line.startswith("# fault") or "CBC" in line]
    assert told == ["# fault: set voltage=2900", "# fault: spoil 1", "> ATE0;+CBC", "< +CBC: 88,2900"]
    assert traces[0] == traces[1] != traces[2]


def test_names_are_resolved_by_the_module() -> None:
    """The host's resolver is asked for a name that no table has."""
    internet = read_options([]).setup.internet
    assert asyncio.run(internet.resolve("localhost")) == ("127.0.0.1",)
