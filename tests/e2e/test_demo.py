"""The demo as people run it: real programs on loopback, with either broker, in and out of a terminal."""

import asyncio
import contextlib
import io
import os
import pty
import re
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rich.console import Console

from sim7020_bridge.demo import broker as brokers
from sim7020_bridge.demo.broker import BrokerProgram, find_broker, iotcore, mosquitto
from sim7020_bridge.demo.child import DemoFailed
from sim7020_bridge.demo.demo import play
from sim7020_bridge.demo.stage import PROFILES
from sim7020_bridge.demo.view import View, continued
from sim7020_emulator.field.conditions import PROFILES as EMULATED

PATIENCE = 90.0
DEMO = (sys.executable, "-m", "sim7020_bridge", "demo")


class Running:
    """A demo as a program, without a terminal."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.output = ""

    async def until(self, pattern: str) -> "re.Match[str]":
        """Return the first match in the output, once it is there."""
        async with asyncio.timeout(PATIENCE):
            while not (match := re.search(pattern, self.output)):
                assert await self._read(), self.output
        return match

    async def end(self) -> int:
        """Wait for its end and return its exit status."""
        async with asyncio.timeout(PATIENCE):
            while await self._read():
                pass
            return await self.process.wait()

    async def _read(self) -> bool:
        assert self.process.stdout is not None
        chunk = await self.process.stdout.read(4096)
        self.output += chunk.decode()
        return bool(chunk)

    def pid(self, name: str) -> int:
        """Return the process id of one of its programs."""
        match = re.search(rf"started +{name} \(process (\d+)\)", self.output)
        assert match is not None
        return int(match[1])


def left(directory: Path) -> list[Path]:
    """Return what is in a directory."""
    return list(directory.iterdir())


def runs(pid: int) -> bool:
    """Say whether there is a process with this id."""
    return Path(f"/proc/{pid}").exists()


@contextlib.asynccontextmanager
async def demo(directory: Path, *arguments: str) -> AsyncIterator[Running]:
    """Run the demo with a directory for its temporary files, and see that it leaves neither files nor programs."""
    process = await asyncio.create_subprocess_exec(
        *DEMO,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "TMPDIR": str(directory), "FORCE_COLOR": "1"},
    )
    running = Running(process)
    try:
        yield running
        assert not left(directory)
        for pid in re.findall(r"started .*\(process (\d+)\)", running.output):
            assert not runs(int(pid)), running.output
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def lines_view() -> tuple[View, io.StringIO]:
    """Return a view that writes lines, and what it writes."""
    output = io.StringIO()
    return View(Console(file=output, width=100)), output


async def test_once_ends_by_itself_with_both_round_trips(tmp_path: Path) -> None:
    """With --once there are a UDP and a TCP round trip and exit status 0; a pipe gets plain lines, asked for or not."""
    async with demo(tmp_path, "--once") as running:
        assert await running.end() == 0, running.output
    assert re.search(r"UDP to .* at the server after .* accepted after .* back on greenhouse/commands", running.output)
    assert re.search(r"TCP to .* acknowledged after .* back on greenhouse/answers after", running.output)
    assert re.search(r"page +http://127\.0\.0\.1:\d+/\n", running.output)
    assert re.search(r"The page has \d{3,} bytes, and its feed brought sim7020/demo/state\.", running.output)
    assert "All went well" in running.output
    assert not re.search(r"[\x00-\x09\x0b-\x1f]|Traceback", running.output)


async def test_once_in_the_field(tmp_path: Path) -> None:
    """With one of the emulator's profiles the network takes its time, and all comes back as it does without."""
    assert set(PROFILES) == set(EMULATED)
    async with demo(tmp_path, "--once", "--profile", "field-good") as running:
        assert await running.end() == 0, running.output
    assert re.search(r"UDP to .* accepted after .* back on greenhouse/commands", running.output)
    assert re.search(r"TCP to .* acknowledged after .* back on greenhouse/answers after", running.output)


async def test_without_mosquitto_iotcore_is_the_broker() -> None:
    """The broker that comes with the packages is as good."""
    program = iotcore()
    assert program is not None
    view, output = lines_view()
    await play(view, once=True, broker=program)
    assert "-V mqttv5" in output.getvalue()
    assert "All went well" in output.getvalue()


def test_commands_to_try_fit_any_terminal() -> None:
    """In a narrow one they are continued as a shell reads it; none is cut."""
    line = "mosquitto_pub -h 127.0.0.1 -p 12345 -V mqttv5 -t greenhouse/temperature -m 21.5"
    for width in (40, 60, 79, 80):
        parts = continued(line, width)
        assert max(map(len, parts)) <= width
        assert shlex.split("\n".join(parts).replace("\\\n", "")) == shlex.split(line)
    assert continued(line, 80) == [line]


async def test_a_terminal_gets_the_picture() -> None:
    """In a terminal the steps, the module, the messages with their receipts and the lines to try are drawn."""
    output = io.StringIO()
    view = View(Console(file=output, force_terminal=True, width=100, height=30, highlight=False))
    await play(view, once=True)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.getvalue())
    last = text[text.rindex("sim7020-bridge demo") :]
    for shown in (
        "● online",
        "✓ registered",
        "open, udp to 198.51.100.7:5005",
        "open, tcp to 198.51.100.7:7000",
        "SIM7020E",
        "→ greenhouse/temperature",
        "✓ accepted",
        "✓ acknowledged",
        "← greenhouse/answers",
        "mosquitto_pub -h 127.0.0.1",
        "In a browser: http://127.0.0.1:",
    ):
        assert shown in last, text


async def test_it_stays_until_ctrl_c_and_takes_messages_from_others(tmp_path: Path) -> None:
    """The line that it prints for another terminal works as it stands, and Ctrl-C ends all with status 0."""
    async with demo(tmp_path) as running:
        line = await running.until(r"mosquitto_pub (.*greenhouse/window) -m open\n")
        await running.until(r"back +telemetry: greenhouse/commands")
        publishing = await asyncio.create_subprocess_exec("mosquitto_pub", *line[1].split(), "-m", "half\x1b[2Jopen")
        assert await publishing.wait() == 0
        await running.until(r"back +control: greenhouse/answers: half\\x1b\[2Jopen\n")
        await running.until(r"(?s)half.*receipt +control: acknowledged")
        running.process.send_signal(signal.SIGINT)
        assert await running.end() == 0, running.output
    assert "nothing of it is left running" in running.output


@pytest.mark.parametrize("name", ["emulator", "mosquitto", "bridge"])
async def test_a_program_that_dies_is_named(tmp_path: Path, name: str) -> None:
    """When one of its programs ends the demo says which and how, ends the others and fails."""
    async with demo(tmp_path) as running:
        await running.until(r"bridge +is connected")
        pid = running.pid(name)
        os.kill(pid, signal.SIGKILL)
        assert await running.end() == 1
    assert f"The demo failed: {name} (process {pid}) was killed by signal 9." in running.output


async def test_once_interrupted_is_not_done(tmp_path: Path) -> None:
    """SIGTERM in the middle of --once ends all in order, with status 1."""
    async with demo(tmp_path, "--once") as running:
        await running.until(r"started +bridge")
        running.process.terminate()
        assert await running.end() == 1
    assert "interrupted" in running.output


async def test_a_reader_that_goes_away_ends_it(tmp_path: Path) -> None:
    """A closed pipe ends the demo without a stack trace."""
    read, write = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *DEMO, stdout=write, stderr=asyncio.subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    os.close(write)
    os.close(read)
    async with asyncio.timeout(PATIENCE):
        _, complaints = await process.communicate()
    assert process.returncode == 1
    assert complaints == b""
    assert not left(tmp_path)


async def test_a_closed_terminal_ends_it(tmp_path: Path) -> None:
    """A terminal window that is closed leaves no programs behind."""
    master, slave = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *DEMO,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(tmp_path), "TERM": "xterm"},
    )
    os.close(slave)
    loop = asyncio.get_running_loop()
    seen = b""
    async with asyncio.timeout(PATIENCE):
        while b"serial port open" not in seen:
            seen += await loop.run_in_executor(None, os.read, master, 4096)
        assert left(tmp_path)
        os.close(master)
        process.send_signal(signal.SIGHUP)
        await process.wait()
    assert not left(tmp_path)


async def test_too_slow_says_what_is_missing() -> None:
    """When the deadline passes, what is awaited is named."""
    view, _ = lines_view()
    with pytest.raises(DemoFailed, match=r"not done within 0.1 s: waiting for the bridge to connect"):
        await play(view, once=True, deadline=0.1)


async def test_a_broker_that_will_not_start_is_shown(tmp_path: Path) -> None:
    """A broker that ends at once is named with its last words."""
    script = tmp_path / "broker"
    script.write_text("#!/bin/sh\necho my last words\nexit 3\n")
    script.chmod(0o755)
    view, _ = lines_view()
    with pytest.raises(DemoFailed, match=r"broken \(process \d+\) ended with status 3") as failed:
        await play(view, once=True, broker=BrokerProgram("broken", (str(script),), "x", "", any_version=True))
    assert failed.value.lines == ("my last words",)
    with pytest.raises(DemoFailed, match=r"gone can't be started: /nonexistent/broker: No such file"):
        await play(view, once=True, broker=BrokerProgram("gone", ("/nonexistent/broker",), "x", "", any_version=True))


def test_without_any_broker_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line names what to install."""
    monkeypatch.setattr(brokers, "mosquitto", lambda: None)
    assert find_broker() == iotcore()
    monkeypatch.setattr(brokers, "iotcore", lambda: None)
    with pytest.raises(DemoFailed, match="apt-get install mosquitto") as failed:
        find_broker()
    assert "\n" not in str(failed.value)


def test_the_machines_mosquitto_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found where distributions put it, even if the user's PATH does not look there."""
    monkeypatch.setenv("PATH", "/nonexistent")
    program = find_broker()
    assert program == mosquitto()
    assert program.name == "mosquitto"
