"""The far end killed at every step of a message: nothing is lost, and twice only where the broker was quicker."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.broker import mosquitto
from tests.e2e.mqtt_peer import PATIENCE, MqttPeer
from tests.far_end.sealed_client import COMMAND, ECHO, Client, Said, Sent
from tests.far_end.world import Line, configured

CHANGED = (2, 4)


class FarEndProgram:
    """A far end as a program on a port that stays the same, and a modem's line to it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.line = Line()
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, step: str = "never", count: int = 1) -> None:
        """Run it to a step."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.far_end.killed", str(self.file), step, str(count)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout
        async with asyncio.timeout(PATIENCE):
            port = int(await self.process.stdout.readline())
        if self.line.transport is None:
            await self.line.open(port)

    async def kill(self) -> None:
        """End it at some other moment."""
        assert self.process
        self.process.kill()
        await self.ended()

    async def ended(self) -> None:
        """Return once it was killed."""
        assert self.process
        async with asyncio.timeout(PATIENCE):
            await self.process.wait()

    async def stop(self) -> None:
        """End it."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
        await self.ended()
        self.line.close()

    async def answer(self, request: Sent, client: Client) -> Said:
        """Repeat a request until it is answered, and return the answer."""
        async with asyncio.timeout(PATIENCE):
            while True:
                self.line.send(request.datagram)
                try:
                    async with asyncio.timeout(0.5):
                        return client.open(await self.line.came.get(), request)
                except TimeoutError:
                    continue

    async def post(
        self, payload: bytes, client: Client, *, first: int | None = None, command: int | None = None
    ) -> Said:
        """Post something until it is taken; while the broker is away it comes again."""
        echo = b""
        while True:
            request = client.post(payload, first=first, echo=echo, command=command)
            first = request.number if first is None else first
            said = await self.answer(request, client)
            echo = said.options.get(ECHO, b"")
            if said.code == CHANGED:
                return said


@asynccontextmanager
async def a_place(directory: Path) -> AsyncIterator[tuple[FarEndProgram, MqttPeer]]:
    """Run a broker, and be ready to run a far end."""
    async with mosquitto(directory) as broker:
        peer = MqttPeer("127.0.0.1", broker.port)
        await peer.start()
        program = FarEndProgram(configured(directory, broker.port))
        try:
            yield program, peer
        finally:
            await program.stop()
            await peer.stop()


@pytest.mark.parametrize(
    ("step", "times", "again"),
    [
        ("publish", 1, "the same datagram"),
        ("publish", 1, "sealed anew"),
        ("commit", 2, "the same datagram"),
        ("commit", 2, "sealed anew"),
        # the number of the same datagram is used then, and the answer that was under it is forgotten
        ("answer", 1, "sealed anew"),
    ],
)
async def test_a_message_survives_a_kill(tmp_path: Path, step: str, times: int, again: str) -> None:
    """However the modem repeats it, the message is at the broker, and its end is told."""
    client = Client()
    async with a_place(tmp_path) as (program, peer):
        await program.start()
        await program.post(b"0", client)
        await program.kill()
        await program.start(step, 1)
        request = client.post(b"1")
        program.line.send(request.datagram)
        await program.ended()
        await program.start()
        if again == "sealed anew":
            await program.post(b"1", client, first=request.number)
        else:
            assert (await program.answer(request, client)).code == CHANGED
        await program.post(b"2", client)
        await peer.message("far-end/shed/received/t", lambda heard: heard.payload == b"2")
        heard = [each.payload for each in peer.all("far-end/shed/received/t")]
        assert heard == [b"0", *times * [b"1"], b"2"]


async def test_a_command_survives_a_kill(tmp_path: Path) -> None:
    """The broker is told that it was taken once it is on disk, and it is kept until the modem has it."""
    client = Client()
    async with a_place(tmp_path) as (program, peer):
        await program.start()
        await program.post(b"0", client)
        await peer.publish("far-end/shed/send", b"turn")
        await peer.now("far-end/shed/state", lambda heard: heard.json()["waiting"] == 1)
        await program.kill()
        await program.start()
        said = await program.post(b"1", client)
        assert said.payload == b"turn"
        await program.kill()
        await program.start()
        assert (await program.post(b"2", client)).number(COMMAND) == said.number(COMMAND)
        command = said.number(COMMAND)
        assert command
        assert (await program.post(b"3", client, command=command)).payload == b""
