"""CoAP servers that nobody here wrote: aiocoap's in the test's own process, and libcoap's as a program."""

import asyncio
from contextlib import suppress
from typing import Self

import aiocoap
from aiocoap import resource

from tests.e2e.programs import ended
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
