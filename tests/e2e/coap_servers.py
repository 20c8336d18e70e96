"""CoAP servers that nobody here wrote: aiocoap's in the test's own process; libcoap's and a sealed one as programs."""

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

import aiocoap
from aiocoap import resource

from tests.e2e.programs import ended
from tests.oscore_peer import KEYS
from tests.ports import free_port

SERVER = "coap-server-notls"
CLIENT = "coap-client-notls"


class CoapServer(resource.Resource):  # type: ignore[misc] # aiocoap has no types
    """aiocoap's server with one resource, ``t``: it keeps what is posted, and answers with ``code`` and ``answer``.

    ``slow`` is for how many seconds it thinks: beyond a tenth of one, its answer is a message of its own.
    """

    def __init__(self, *, answer: bytes = b"", slow: float = 0.0) -> None:
        super().__init__()
        self.answer = answer
        self.slow = slow
        self.code = aiocoap.CHANGED
        self.posted: list[bytes] = []
        self.port = free_port()
        self._context: aiocoap.Context | None = None

    @property
    def url(self) -> str:
        """Its resource, as the configuration has it."""
        return f"coap://127.0.0.1:{self.port}/t"

    async def render_post(self, request: aiocoap.Message) -> aiocoap.Message:
        """Take what is posted."""
        self.posted.append(request.payload)
        await asyncio.sleep(self.slow)
        return aiocoap.Message(code=self.code, payload=self.answer)

    async def __aenter__(self) -> Self:
        site = resource.Site()
        site.add_resource(["t"], self)
        self._context = await aiocoap.Context.create_server_context(
            site, bind=("127.0.0.1", self.port), transports=["simplesocketserver"]
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._context is not None:
            await self._context.shutdown()


class LibcoapServer:
    """libcoap's ``coap-server``, in which whoever posts makes resources."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: asyncio.subprocess.Process | None = None

    def url(self, path: str) -> str:
        """Return a resource of it."""
        return f"coap://127.0.0.1:{self.port}/{path}"

    async def get(self, path: str) -> bytes:
        """Return what a resource has, as libcoap's own client reads it."""
        client = await asyncio.create_subprocess_exec(
            CLIENT, "-B", "5", "-m", "get", self.url(path), stdout=asyncio.subprocess.PIPE
        )
        told, _ = await client.communicate()
        return told.strip()

    async def __aenter__(self) -> Self:
        # -d: what does not exist is made by a POST; it may have so many
        arguments = ("-A", "127.0.0.1", "-p", str(self.port), "-d", "10")
        self._process = await asyncio.create_subprocess_exec(SERVER, *arguments, stderr=asyncio.subprocess.DEVNULL)
        while not await self.get("time"):
            pass
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            await ended(self._process)


class OscoreServer:
    """aiocoap's server with its own OSCORE and its own replay window, which can be killed; see ``oscore_server.py``."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        folder.mkdir()
        ids = {"sender-id_hex": KEYS.recipient_id.hex(), "recipient-id_hex": KEYS.sender_id.hex()}
        (folder / "settings.json").write_text(json.dumps(ids), encoding="utf-8")
        secret = {"secret_hex": KEYS.secret.hex(), "salt_hex": KEYS.salt.hex()}
        (folder / "secret.json").write_text(json.dumps(secret), encoding="utf-8")

    @property
    def posted(self) -> list[bytes]:
        """What it has taken, over all its lives."""
        return [bytes.fromhex(line) for line in (self._folder / "posted").read_text().splitlines()]

    async def kill(self) -> None:
        """End it without a chance to write down what it has seen."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await ended(self._process)

    async def __aenter__(self) -> Self:
        program = Path(__file__).parents[1] / "oscore_server.py"
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, program, str(self.port), str(self._folder), stdout=asyncio.subprocess.PIPE
        )
        if self._process.stdout is not None:
            assert await self._process.stdout.readline() == b"ready\n"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
