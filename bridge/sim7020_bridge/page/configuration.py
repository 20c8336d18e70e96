"""The configuration on the page: read, checked while it is typed, written, and put into force as SIGHUP does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.config import module_values, values
from sim7020_bridge.config.apart import few, secrets_apart
from sim7020_bridge.config.changes import Changes, changes
from sim7020_bridge.config.file import Changed, NotWritten, keep_secret, obstacle, replace, version
from sim7020_bridge.config.load import MAX_SIZE
from sim7020_bridge.config.model import Settings
from sim7020_bridge.errors import ConfigurationError, Mistake
from sim7020_bridge.http.app import Call
from sim7020_bridge.http.reply import Refusal, Reply, in_json
from sim7020_bridge.page.administration_routes import Handlers

log: Final = logging.getLogger(__name__)

MOST_WAITING: Final = 4
"""Texts that may wait while one is checked."""

_MOST_OF_A_KEY: Final = 200
_BOM: Final = b"\xef\xbb\xbf"

_SECRETS: Final[dict[str, Callable[[object], str]]] = {
    "password": values.credential,
    "pin": module_values.pin,
    "apn_password": values.login,
}
"""What reads each secret that may have a file of its own."""

Load = Callable[[str], Awaitable[Settings]]
"""Makes settings of a text as if it stood in the file; raises ConfigurationError."""

Reload = Callable[[], Awaitable[Sequence[Mistake]]]
"""Puts the file into force, as SIGHUP does; returns what is wrong with it, whereupon the old one stays in force."""


class Configuration:
    """The configuration file of a bridge that runs.

    Args:
        file: Where it is.
        load: Reads a text in its place.
        in_force: Returns the settings that the bridge goes by.
        reload: Puts the file into force.
    """

    def __init__(
        self,
        file: Path,
        *,
        load: Callable[[str], Awaitable[Settings]],
        in_force: Callable[[], Settings],
        reload: Reload,
    ) -> None:
        self._file = file
        self._load = load
        self._in_force = in_force
        self._reload = reload
        self._waiting = 0
        self._checking = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._applying = asyncio.Lock()

    async def document(self) -> dict[str, Any]:
        """Return the text, its version, whether it can be written here, and what of it is secret or leads to that.

        Raises:
            Refusal: It can't be read.
        """
        async with self._reading:
            document = await in_a_thread(self._document)
            with suppress(ConfigurationError):
                keys, files = await secrets_apart(self._file, document["text"])
                document |= {"secrets": keys, "secret_files": [{"key": key, "file": files[key]} for key in files]}
        return document

    async def check(self, text: str) -> dict[str, Any]:
        """Return what is wrong with a text, and which keys it changes: those for a restart, and those for now.

        Raises:
            Refusal: Too many texts wait to be checked.
        """
        mistakes, found = await self._checked(text)
        return {"mistakes": told(mistakes), "restart": list(found.restart), "reload": list(found.reload)}

    async def apply(self, text: str, expected: str) -> Reply:
        """Write a text in place of that version, have it put into force, and tell how that went.

        Raises:
            Refusal: The file is another one by now, or can't be written: it is as it was.
        """
        async with self._applying:
            await self._expected(expected)
            mistakes, found = await self._checked(text)
            if mistakes:
                return with_mistakes("mistakes", "nothing was written: the text has mistakes", mistakes)
            # checking may have taken many seconds
            content = _like(await self._expected(expected), text)
            try:
                await in_a_thread(partial(replace, self._file, content, expected=expected))
            except Changed:
                raise _changed() from None
            except NotWritten as error:
                raise Refusal(HTTPStatus.CONFLICT, "not_written", str(error)) from error
            log.info("the page wrote %s", self._file)
            mistakes = await self._reload()
            if mistakes:
                words = "the text was written, but is not in force: with what else the bridge reads, it has mistakes"
                return with_mistakes("not_in_force", words, mistakes)
            return in_json({"version": version(content), "restart": list(found.restart)})

    async def keep_secret(self, key: str, secret: str) -> Reply:
        """Put a secret into the file that a key names, have that put into force, and tell how that went.

        Raises:
            Refusal: The key names no file beside the configuration, the secret won't do, or it can't be written.
        """
        async with self._applying:
            document = await self.document()
            names = {each["key"]: each["file"] for each in document["secret_files"]}
            if key not in names:
                words = "the configuration names no file beside it with this secret"
                raise Refusal(HTTPStatus.CONFLICT, "no_such_secret", words)
            _require_secret(key, secret)
            file = self._file.with_name(names[key])
            try:
                await in_a_thread(partial(keep_secret, file, secret))
            except NotWritten as error:
                raise Refusal(HTTPStatus.CONFLICT, "not_written", str(error)) from error
            log.info("the page wrote %s", file)
            mistakes = await self._reload()
            found = Changes((), ())
            if not mistakes:
                mistakes, found = await self._checked(document["text"])
            if mistakes:
                words = "the secret was written, but is not in force: with what else the bridge reads, it has mistakes"
                return with_mistakes("not_in_force", words, mistakes)
            return in_json({"restart": [each for each in found.restart if f"{each}_file" == key]})

    async def _expected(self, expected: str) -> bytes:
        content = await in_a_thread(self._content)
        if version(content) != expected:
            raise _changed()
        return content

    async def _checked(self, text: str) -> tuple[Sequence[Mistake], Changes]:
        if self._waiting >= MOST_WAITING:
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, "busy", "other texts are being checked", Retry_After="1")
        self._waiting += 1
        try:
            async with self._checking:
                settings = await self._load(text)
        except ConfigurationError as error:
            return error.mistakes, Changes((), ())
        finally:
            self._waiting -= 1
        return (), changes(self._in_force(), settings)

    def _document(self) -> dict[str, Any]:
        content = self._content()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _unreadable("the file is not UTF-8 text") from error
        if len(content) > MAX_SIZE:
            raise _unreadable(f"the file has more than {MAX_SIZE} bytes")
        problem = obstacle(self._file)
        return {
            "path": str(self._file.absolute()),
            "text": text,
            "version": version(content),
            "writable": problem is None,
            "problem": problem,
            "secrets": [],
            "secret_files": [],
        }

    def _content(self) -> bytes:
        try:
            with self._file.open("rb") as file:
                return file.read(MAX_SIZE + 1)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise _unreadable(f"the file can't be read: {error.strerror}") from error


def handlers(configuration: Configuration) -> Handlers:
    """Return what carries out ``api/configuration`` and what is under it."""

    async def read(_call: Call) -> Reply:
        return in_json(await configuration.document())

    async def check(call: Call) -> Reply:
        (text,) = _texts(call, "text")
        return in_json(await configuration.check(text))

    async def apply(call: Call) -> Reply:
        text, expected = _texts(call, "text", "version")
        return await configuration.apply(text, expected)

    async def keep(call: Call) -> Reply:
        key, secret = _texts(call, "key", "secret")
        return await configuration.keep_secret(key, secret)

    return {
        "/api/configuration": read,
        "/api/configuration/check": check,
        "/api/configuration/apply": apply,
        "/api/configuration/secret": keep,
    }


def told(mistakes: Sequence[Mistake]) -> list[dict[str, Any]]:
    """Return mistakes as JSON has them, and how many more there are if there are too many."""
    return [
        {
            "line": mistake.line,
            "key": mistake.where[:_MOST_OF_A_KEY],
            "message": mistake.words if mistake.source is None else f"{mistake.source}: {mistake.words}",
        }
        for mistake in few(mistakes)
    ]


def with_mistakes(code: str, message: str, mistakes: Sequence[Mistake]) -> Reply:
    """Return a refusal that lists them."""
    return in_json({"code": code, "message": message, "mistakes": told(mistakes)}, HTTPStatus.UNPROCESSABLE_ENTITY)


def _texts(call: Call, *names: str) -> list[str]:
    document = call.document()
    given = [document.get(name) for name in names]
    texts = [text for text in given if isinstance(text, str)]
    if len(texts) != len(names):
        raise Refusal(HTTPStatus.BAD_REQUEST, "incomplete", f"the body has {' and '.join(names)}, each a text")
    return texts


def _require_secret(key: str, secret: str) -> None:
    """Hold a secret to what its key may be, in words that never have it.

    Raises:
        Refusal: It won't do.
    """
    name = key.rpartition(".")[2].removesuffix("_file")
    try:
        _SECRETS[name](secret)
    except values.WrongValue as error:
        raise _wrong(f"{name}: {error}") from error
    if len(secret.encode()) >= values.MAX_SECRET_FILE:
        raise _wrong(f"{name}: must have less than {values.MAX_SECRET_FILE} bytes")
    if {"\n", "\r"} & {*secret}:
        raise _wrong(f"{name}: must be one line")


def _like(before: bytes, text: str) -> bytes:
    """Return a text as the file had it: browsers know neither its line ends nor the mark at its beginning."""
    if b"\r\n" in before and before.count(b"\n") == before.count(b"\r\n"):
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    return (_BOM if before.startswith(_BOM) else b"") + text.encode()


def _wrong(words: str) -> Refusal:
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_value", words)


def _changed() -> Refusal:
    words = "the file was changed since you opened it: load it again"
    return Refusal(HTTPStatus.CONFLICT, "changed_meanwhile", words)


def _unreadable(words: str) -> Refusal:
    return Refusal(HTTPStatus.CONFLICT, "unreadable", words)
