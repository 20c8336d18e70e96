"""aiocoap's own server with its own OSCORE, as a program: ``oscore_server.py PORT FOLDER``.

The folder has what aiocoap wants to know of the key; each message that was posted to ``t`` is a line of hexadecimal
digits in its file ``posted`` before it is answered. ``ready`` on standard output says that it listens.
"""

import asyncio
import sys
from pathlib import Path
from types import ModuleType

import aiocoap
from aiocoap import resource
from aiocoap.credentials import CredentialsMap
from aiocoap.oscore import FilesystemSecurityContext


class Posted(resource.Resource):  # type: ignore[misc] # aiocoap has no types
    """What is posted, in a file."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    async def render_post(self, request: aiocoap.Message) -> aiocoap.Message:
        """Take what is posted, and answer with it."""
        with self._file.open("a") as posted:
            posted.write(f"{request.payload.hex()}\n")
        return aiocoap.Message(code=aiocoap.CHANGED, payload=b"got " + request.payload)


async def main(port: int, folder: Path) -> None:
    """Serve until ended."""
    sys.modules["lakers"] = ModuleType("lakers")  # the handshake EDHOC: imported with what follows, and not used here
    from aiocoap.oscore_sitewrapper import OscoreSiteWrapper  # noqa: PLC0415

    site, credentials = resource.Site(), CredentialsMap()
    site.add_resource(["t"], Posted(folder / "posted"))
    credentials[":modem"] = FilesystemSecurityContext(str(folder))
    context = await aiocoap.Context.create_server_context(
        OscoreSiteWrapper(site, credentials), bind=("127.0.0.1", port), transports=["simplesocketserver"]
    )
    context.server_credentials = credentials
    print("ready", flush=True)  # noqa: T201 - whoever started it waits for that
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
