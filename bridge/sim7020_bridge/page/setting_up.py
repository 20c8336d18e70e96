"""A first configuration from the page: what a form says becomes a file, with its secrets in files of their own."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import Any, Final

from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.config.file import Changed, NotWritten, keep_secret, version
from sim7020_bridge.config.file import replace as put
from sim7020_bridge.config.load import read
from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.config.writing import Draft, Keys, written
from sim7020_bridge.errors import ConfigurationError, Mistake
from sim7020_bridge.http.app import App, Call
from sim7020_bridge.http.passwords import (
    LONGEST,
    SHORTEST,
    PasswordsUnreadable,
    hashed,
    read_passwords,
    write_passwords,
)
from sim7020_bridge.http.reply import JSON, Refusal, Reply, in_json
from sim7020_bridge.http.role import Role
from sim7020_bridge.page.configuration import with_mistakes
from sim7020_bridge.page.form import filled

log: Final = logging.getLogger(__name__)

_LONGEST: Final = 64 * 1024

TOLD_WITHIN: Final = 5.0
"""Seconds after which the bridge starts, whether or not somebody was told that it will."""

_SECRETS: Final = {"password": "mqtt-password", "pin": "sim-pin", "apn_password": "apn-password"}
"""Keys whose values go into a file beside the configuration, which the key's name with ``_file`` names."""


class SettingUp:
    """Writes the first configuration, once.

    Args:
        file: Where to.
        http: What it says of the port that the page is at.
        given: What the environment says of the broker, whatever the form says; None if it says nothing.
        password: The page needs a password, and there is none yet.
        done: Called once it is written and whoever wrote it was told, or can't be; perhaps twice.
    """

    def __init__(
        self, file: Path, *, http: Keys, given: MqttSettings | None, password: bool, done: Callable[[], None]
    ) -> None:
        self._file = file
        self._given = given
        self._http = http
        self._password = password
        self._done = done
        self._writing = asyncio.Lock()

    def document(self) -> dict[str, Any]:
        """Return the broker, if the environment has it, and whether a form must choose a password."""
        given = self._given
        if given is None:
            return {"mqtt": None, "password": self._password}
        mqtt = {"place": given.place, "username": given.username, "tls": given.tls is not None}
        return {"mqtt": mqtt, "password": self._password}

    async def write(self, form: Mapping[str, Any]) -> Reply:
        """Write what a form says: ``mqtt``, ``modem`` with its ``name``, ``sockets`` by name, and ``page``.

        Raises:
            Refusal: There is a configuration, or it can't be written.
        """
        async with self._writing:
            try:
                await in_a_thread(partial(self._write, form))
            except ConfigurationError as error:
                return with_mistakes("mistakes", "nothing was written: some of it won't do", error.mistakes)
            except Changed:
                raise self._there_already() from None
            except NotWritten as error:
                raise Refusal(HTTPStatus.CONFLICT, "not_written", str(error)) from error
        log.info("the page wrote %s", self._file)
        # whoever has hung up meanwhile is told nothing
        asyncio.get_running_loop().call_later(TOLD_WITHIN, self._done)
        return Reply(self._told(), JSON)

    async def _told(self) -> AsyncIterator[bytes]:
        yield json.dumps({"path": str(self._file.absolute())}).encode()
        self._done()

    def _write(self, form: Mapping[str, Any]) -> None:
        if self._file.exists():
            raise self._there_already()
        draft = self._draft(form)
        settings = read(self._file, text=written(draft, self._file.name)).settings
        password = self._page_password(form)
        if password is not None and _is_of_another(settings.page_passwords, password):
            raise self._wrong("the other log-in has that password: who typed it could do what they should not")
        kept: list[Path] = []
        try:
            draft = replace(draft, mqtt=self._hidden(draft.mqtt, kept), modem=self._hidden(draft.modem, kept))
            text = written(draft, self._file.name)
            read(self._file, text=text)
            if password is not None:
                _keep_page_password(settings.page_passwords, password)
            put(self._file, text.encode(), expected=version(b""))
        except BaseException:
            for secret in kept:
                with suppress(OSError):
                    secret.unlink()
            raise

    def _draft(self, form: Mapping[str, Any]) -> Draft:
        mqtt, modem, sockets = (form.get(key, {}) for key in ("mqtt", "modem", "sockets"))
        wrong = [
            Mistake(key, "must be a mapping of keys to values")
            for key, value in (("mqtt", mqtt), ("modem", modem), ("sockets", sockets))
            if not isinstance(value, dict)
        ]
        wrong += (
            []
            if wrong
            else [
                Mistake(f"sockets.{name}", "must be a mapping of keys to values")
                for name, keys in sockets.items()
                if not isinstance(keys, dict)
            ]
        )
        if wrong:
            raise ConfigurationError(str(self._file), wrong)
        keys = filled(modem)
        name = str(keys.pop("name", ""))
        return Draft(
            self._broker(filled(mqtt)), name, keys, {name: filled(keys) for name, keys in sockets.items()}, self._http
        )

    def _broker(self, asked: Keys) -> Keys:
        if self._given is None:
            return asked
        broker: dict[str, Any] = {"host": self._given.host, "port": self._given.port}
        return broker if self._given.tls is None else {**broker, "tls": {}}

    def _hidden(self, keys: Keys, kept: list[Path]) -> Keys:
        """Put secrets into files, each under a name that is free, and name these instead."""
        hidden: dict[str, Any] = {}
        for key, value in keys.items():
            if key not in _SECRETS:
                hidden[key] = value
                continue
            file = _free(self._file.with_name(_SECRETS[key]))
            keep_secret(file, value)
            kept.append(file)
            hidden[f"{key}_file"] = file.name
        return hidden

    def _page_password(self, form: Mapping[str, Any]) -> str | None:
        page = form.get("page")
        password = page.get("password") if isinstance(page, dict) else None
        if password in (None, ""):
            if self._password:
                raise self._wrong("other computers can reach the page, so choose a password for it")
            return None
        if not isinstance(password, str) or len(password) < SHORTEST:
            raise self._wrong(f"a password has at least {SHORTEST} characters")
        if len(password.encode(errors="replace")) > LONGEST:
            raise self._wrong(f"a password has at most {LONGEST} bytes")
        return password

    def _there_already(self) -> Refusal:
        return Refusal(HTTPStatus.CONFLICT, "there_already", f"{self._file} is there already: start the bridge anew")

    def _wrong(self, words: str) -> ConfigurationError:
        return ConfigurationError(str(self._file), [Mistake("page.password", words)])


def routes(app: App, *, setting_up: SettingUp) -> None:
    """Add ``api/setup``."""

    @app.get("/api/setup", role=Role.FULL)
    async def given(_call: Call) -> Reply:
        return in_json(setting_up.document())

    @app.post("/api/setup", role=Role.FULL, longest=_LONGEST)
    async def write(call: Call) -> Reply:
        return await setting_up.write(call.document())


def _free(file: Path) -> Path:
    """Return the first name after a file's that no file has."""
    names = (file if number == 1 else file.with_name(f"{file.name}-{number}") for number in count(1))
    return next(name for name in names if not name.exists() and not name.is_symlink())


def _is_of_another(file: Path, password: str) -> bool:
    try:
        return any(kept.matches(password) for role, kept in read_passwords(file).items() if role is not Role.FULL)
    except PasswordsUnreadable as error:
        raise NotWritten(file, str(error)) from error


def _keep_page_password(file: Path, password: str) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_passwords(file, {**read_passwords(file), Role.FULL: hashed(password)})
    except PasswordsUnreadable as error:
        raise NotWritten(file, str(error)) from error
    except OSError as error:
        raise NotWritten(file, error.strerror or str(error)) from error
