"""All that somebody who helps needs to know, in one archive without secrets: to look at, or to attach to an issue."""

import asyncio
import importlib.metadata
import io
import json
import platform
import sqlite3
import ssl
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from sim7020_bridge import VERSION
from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.config.changes import changes
from sim7020_bridge.config.effective import effective
from sim7020_bridge.config.load import MAX_SIZE, read
from sim7020_bridge.config.model import Settings
from sim7020_bridge.errors import ConfigurationError
from sim7020_bridge.http.app import App, Call
from sim7020_bridge.http.passwords import Role
from sim7020_bridge.http.reply import Refusal, Reply, attachment
from sim7020_bridge.page.configuration import told
from sim7020_bridge.page.masking import IDENTITIES, Mask, secrets_of, secrets_of_text

NAME: Final = "sim7020-bridge-diagnostics.zip"

_PACKAGES: Final = ("click", "microdot", "paho-mqtt", "pyserial", "rich", "ruamel.yaml", "voluptuous")

_README: Final = """\
Diagnostics of sim7020-bridge {version}, collected {time}.

{contents}

Left out or masked: passwords and PINs wherever they stand, IMEI, IMSI and ICCID, and the payload of messages.
What can still be read: names of modems, sockets, hosts, users and APNs; MQTT topics; addresses; operator and cell, and
with that about where a modem is. All of it is text: look through it before you publish it.
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a bridge that runs knows of itself, taken at one moment.

    Args:
        documents: What is retained of each modem: its documents by topic.
        log: The last lines of the log, as they would be written.
        recordings: The last of each modem's AT dialogue, masked.
        probe: What came of the last probe; None if there was none.
    """

    documents: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    log: Iterable[str] = ()
    recordings: Mapping[str, bytes] = field(default_factory=dict)
    probe: Mapping[str, object] | None = None


class Diagnostics:
    """Makes archives, one at a time.

    Args:
        file: The configuration.
        in_force: Returns the settings that the bridge goes by.
        clock: The time of day.
    """

    def __init__(self, file: Path, *, in_force: Callable[[], Settings], clock: Clock = wall_clock) -> None:
        self._file = file
        self._in_force = in_force
        self._clock = clock
        self._making = asyncio.Lock()

    async def archive(self, facts: Facts) -> bytes:
        """Return an archive.

        Raises:
            Refusal: Another one is being made.
        """
        if self._making.locked():
            raise Refusal(HTTPStatus.CONFLICT, "busy", "an archive is being made already", Retry_After="2")
        async with self._making:
            return await in_a_thread(partial(self._made, facts, self._in_force()))

    def _made(self, facts: Facts, settings: Settings) -> bytes:
        parts = dict(self._parts(facts, settings))
        now = self._clock()
        width = max(map(len, parts))
        contents = "\n".join(f"{name:<{width}}  {what}" for name, (what, _) in parts.items())
        readme = _README.format(version=VERSION, time=f"{now:%Y-%m-%d %H:%M:%S} UTC", contents=contents)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
            for name, text in (("README.txt", readme), *((name, text) for name, (_, text) in parts.items())):
                entry = zipfile.ZipInfo(f"sim7020-bridge-diagnostics/{name}", now.timetuple()[:6])
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o600 << 16
                made.writestr(entry, text.encode(errors="replace"))
        return archive.getvalue()

    def _parts(self, facts: Facts, settings: Settings) -> Iterator[tuple[str, tuple[str, str]]]:
        """Yield the name of each file, what it is, and what is in it."""
        text = _text(self._file)
        mask = Mask((*secrets_of(settings), *secrets_of_text(self._file, text)), _identities(facts))
        yield "configuration.yaml", ("the configuration as it is in the file", mask.configuration(text))
        yield (
            "check.json",
            ("what the bridge makes of it: each key with its value, or the mistakes", mask(self._check(settings))),
        )
        yield "versions.json", ("versions of the bridge, of Python and of the system", _json(_versions()))
        for modem, documents in facts.documents.items():
            for topic, payload in documents.items():
                name = f"modems/{modem}/{topic.partition(f'/{modem}/')[2] or topic}".replace("..", "_")
                yield f"{name}.json", (topic, mask.document(payload))
        for modem, recording in facts.recordings.items():
            what = "the last of its AT dialogue; sim7020-bridge decode explains it, replay plays it"
            yield f"modems/{modem}/dialogue.at", (what, mask(recording.decode(errors="replace")))
        if facts.probe is not None:
            yield "probe.json", ("what came of the last probe of a port", mask(_json(facts.probe)))
        yield "log.txt", ("the last lines of the log", mask("".join(f"{line}\n" for line in facts.log)))

    def _check(self, settings: Settings) -> str:
        try:
            reading = read(self._file)
        except ConfigurationError as error:
            return _json({"valid": False, "mistakes": told(error.mistakes)})
        found = [asdict(each) for each in effective(reading)]
        return _json({"valid": True, "restart": changes(settings, reading.settings).restart, "settings": found})


def routes(app: App, *, diagnostics: Diagnostics, facts: Callable[[], Any]) -> None:
    """Add ``api/diagnostics``; ``facts`` is awaited for each request."""

    @app.get("/api/diagnostics", role=Role.FULL)
    async def archive(_call: Call) -> Reply:
        return attachment(await diagnostics.archive(await facts()), "application/zip", NAME)


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_SIZE).decode("utf-8-sig", errors="replace")
    except OSError as error:
        return f"# the file can't be read: {error.strerror}\n"


def _identities(facts: Facts) -> Iterator[str]:
    for documents in facts.documents.values():
        for payload in documents.values():
            with suppress(ValueError, RecursionError):
                document = json.loads(payload)
                modem = document.get("modem") if isinstance(document, dict) else None
                if isinstance(modem, dict):
                    yield from (str(modem[key]) for key in IDENTITIES if modem.get(key))


def _versions() -> dict[str, object]:
    packages = {}
    for package in _PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            packages[package] = importlib.metadata.version(package)
    system = {}
    with suppress(OSError):
        system = platform.freedesktop_os_release()
    return {
        "sim7020-bridge": VERSION,
        "python": sys.version,
        "packages": packages,
        "sqlite": sqlite3.sqlite_version,
        "openssl": ssl.OPENSSL_VERSION,
        "system": system.get("PRETTY_NAME"),
        "kernel": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "container": any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv")),
        "home_assistant_app": Path("/data/options.json").exists(),
    }


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
