"""Files of a folder over HTTP: by a list of those that there are, so that no path leads out of it."""

import hashlib
import zlib
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple

from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.http.reply import Refusal, Reply

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_OTHER: Final = "application/octet-stream"

_GZIP: Final = 16 + zlib.MAX_WBITS
"""What has zlib write gzip's head and tail; the module gzip costs memory."""


class _Packed(NamedTuple):
    """A file in memory, as most browsers take it."""

    signature: tuple[int, int]
    tag: str
    content: bytes


class Files:
    """The files that are under a folder at first, read when they are asked for, and again when they were changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: frozenset[str] | None = None
        self._packed: dict[str, _Packed] = {}

    async def reply(self, name: str, fields: Mapping[str, str]) -> Reply:
        """Return a file by its path below the folder; ``fields`` are the request's.

        Raises:
            Refusal: There is none.
        """
        packed = await in_a_thread(lambda: self._find(name))
        if packed is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "not_found", "there is no such file")
        kind = _TYPES.get(Path(name).suffix, _OTHER)
        head = {"Cache-Control": "no-cache", "ETag": packed.tag, "Vary": "Accept-Encoding"}
        if packed.tag in fields.get("if-none-match", ""):
            return Reply(b"", kind, HTTPStatus.NOT_MODIFIED, head)
        if "gzip" in fields.get("accept-encoding", ""):
            return Reply(packed.content, kind, fields={**head, "Content-Encoding": "gzip"})
        return Reply(await in_a_thread(lambda: zlib.decompress(packed.content, _GZIP)), kind, fields=head)

    def _find(self, name: str) -> _Packed | None:
        if self._names is None:
            files = (path for path in self._folder.rglob("*") if path.is_file() and not path.is_symlink())
            self._names = frozenset(path.relative_to(self._folder).as_posix() for path in files)
        if name not in self._names:
            return None
        file = self._folder / name
        try:
            found = file.stat()
            signature = (found.st_mtime_ns, found.st_size)
            packed = self._packed.get(name)
            if packed is None or packed.signature != signature:
                content = file.read_bytes()
                tag = f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'
                packed = self._packed[name] = _Packed(signature, tag, zlib.compress(content, 9, _GZIP))
        except OSError:
            return None
        return packed
