"""``record`` between a client and the emulator, and ``replay`` of what it recorded."""

import asyncio
import json
import signal
import sys
from pathlib import Path

from tests.command_line import typed
from tests.e2e.programs import Emulator
from tests.e2e.servers import until
from tests.e2e.world import run
from tests.pty_peer import PtyPeer

PROGRAM = (sys.executable, "-m", "sim7020_bridge")


class Background:
    """A subcommand that runs until it is stopped; `port` is what it printed."""

    def __init__(self, process: asyncio.subprocess.Process, port: str) -> None:
        self.process = process
        self.port = port

    async def stop(self) -> tuple[int, str]:
        """Stop it in good order; return exit status and standard error."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            _, err = await self.process.communicate()
        return self.process.returncode or 0, err.decode()


async def background(*arguments: str) -> Background:
    """Start a subcommand and wait until it says its port."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    if process.stdout is None:
        raise RuntimeError("the program has no standard output")
    async with asyncio.timeout(20):
        port = (await process.stdout.readline()).decode().strip()
    return Background(process, port)


async def test_a_probe_is_recorded_and_played_again(tmp_path: Path) -> None:
    """What a modem said to a probe is recorded without its identities, explained whole, and good for another probe."""
    file, link = tmp_path / "probe.at", tmp_path / "played"
    emulator = Emulator(tmp_path, "module", ["--baud", "0", "--speed", "0", "--attached", "--set", "rssi=12"])
    await emulator.start()
    try:
        recorder = await background("record", emulator.place, str(file), "--what", "a probe", "--link", str(link))
        assert recorder.port == str(link)
        code, out, _ = await run(*PROGRAM, "probe", recorder.port, "--no-internet", "--json")
        assert code == 0, out
        assert await recorder.stop() == (0, f"recorded to {file}\n")
        assert not link.is_symlink()
    finally:
        await emulator.stop()
    text = file.read_text()
    assert "> AT+CSQ\n" in text
    assert "< +CSQ: 12,0\n" in text
    for secret in ("866207050000016", "460010000000001", "89860100000000000019"):
        assert secret not in text
    code, out, _ = await run(*PROGRAM, "decode", "--json", str(file))
    assert code == 0
    assert "unknown" not in {json.loads(line)["kind"] for line in out.splitlines()}
    player = await background("replay", str(file), "--link", str(link))
    try:
        code, out, _ = await run(*PROGRAM, "probe", player.port, "--no-internet", "--json")
    finally:
        stopped = await player.stop()
    assert code == 0, out
    assert json.loads(out)["layers"][5]["details"]["rssi_index"] == 12
    assert stopped == (0, "")


def test_times_of_a_recording_stand_in_its_lines(tmp_path: Path) -> None:
    """When a command was sent is in its line, not in one of its own; a log with times of its own is the same."""
    file = tmp_path / "night.at"
    file.write_text("# note: 2026-01-02T03:04:05.678Z\n> AT+CSQ\n< +CSQ: 20,0\n03:04:06.1 < OK\n")
    code, out, _ = typed("decode", str(file))
    assert code == 0
    assert [line.split()[:3] for line in out.splitlines()] == [
        ["03:04:05.678", ">", "AT+CSQ"],
        ["<", "+CSQ:", "20,0"],
        ["03:04:06.1", "<", "OK"],
    ]


async def test_a_strict_replay_ends_at_what_was_not_recorded(tmp_path: Path) -> None:
    """A host that asks something else is told of in one line with status 1; one that follows ends it with 0."""
    file = tmp_path / "short.at"
    file.write_text("> AT+CSQ\n< +CSQ: 20,0\n< OK\n")
    player = await background("replay", "--strict", str(file))
    await _types(player.port, "AT+CFUN?\r")
    async with asyncio.timeout(20):
        await player.process.wait()
    assert await player.stop() == (1, "the host sent AT+CFUN?, where line 1 has AT+CSQ\n")
    player = await background("replay", "--strict", str(file))
    await _types(player.port, "AT+CSQ\r", until=b"OK\r\n")
    async with asyncio.timeout(20):
        await player.process.wait()
    assert await player.stop() == (0, "")


async def _types(port: str, text: str, *, until: bytes = b"") -> None:
    def talk() -> None:
        with Path(port).open("r+b", buffering=0) as line:
            line.write(text.encode())
            heard = b""
            while until not in heard:
                heard += line.read(1)

    await asyncio.to_thread(talk)


async def test_a_recording_is_not_written_over(tmp_path: Path) -> None:
    """A file that is there stays, and a port or link that can't be used is an error of one line."""
    file = tmp_path / "kept.at"
    file.write_text("dear\n")
    code, out, err = await run(*PROGRAM, "record", "/dev/null", str(file))
    assert (code, out) == (1, "")
    assert err == f"{file} exists already; --force overwrites it\n"
    assert file.read_text() == "dear\n"
    code, _, err = await run(*PROGRAM, "record", str(tmp_path / "nothing"), str(tmp_path / "new.at"))
    assert code == 1
    assert "there is no such device" in err
    async with PtyPeer() as peer:
        code, _, err = await run(*PROGRAM, "record", peer.path, str(tmp_path / "two.at"), "--link", str(file))
    assert (code, err.count("\n")) == (1, 1)
    assert "there is a file of that name" in err


async def test_an_unplugged_port_ends_the_recording(tmp_path: Path) -> None:
    """When the device goes away, what was recorded stays and the error is one line."""
    async with PtyPeer() as peer:
        recorder = await background("record", peer.path, str(tmp_path / "cut.at"))
        peer.say("RDY")
        await until(lambda: "RDY" in (tmp_path / "cut.at").read_text())
    async with asyncio.timeout(20):
        await recorder.process.wait()
    code, err = await recorder.stop()
    assert code == 1
    assert "went away" in err
    assert err.count("\n") == 1
