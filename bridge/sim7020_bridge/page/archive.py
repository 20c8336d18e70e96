"""Files that describe a bridge and its machine, in an archive without secrets."""

import importlib.metadata
import io
import json
import platform
import sqlite3
import ssl
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final

from sim7020_bridge import VERSION
from sim7020_bridge.config.changes import changes
from sim7020_bridge.config.effective import effective
from sim7020_bridge.config.load import MAX_SIZE, read
from sim7020_bridge.config.model import Settings
from sim7020_bridge.errors import ConfigurationError
from sim7020_bridge.page.configuration import told
from sim7020_bridge.page.facts import Facts
from sim7020_bridge.page.masking import IDENTITIES, Mask, secrets_of, secrets_of_text

_PACKAGES: Final = ("click", "microdot", "paho-mqtt", "pyserial", "rich", "ruamel.yaml", "voluptuous")

_FIRST: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that an archive can say."""

_README: Final = """\
Diagnostics of sim7020-bridge {version}, collected {time}.

{contents}

Left out or masked: passwords and PINs wherever they stand, IMEI, IMSI and ICCID, and the payload of messages.
What can still be read: names of modems, sockets, hosts, users and APNs; MQTT topics; addresses; operator and cell, and
with that about where a modem is. All of it is text: look through it before you publish it.
"""


def archive(file: Path, settings: Settings, facts: Facts, now: datetime) -> bytes:
    """Return the archive of a bridge, whose configuration is a file and in force as settings."""
    parts = dict(_parts(file, settings, facts))
    width = max(map(len, parts))
    contents = "\n".join(f"{name:<{width}}  {what}" for name, (what, _) in parts.items())
    readme = _README.format(version=VERSION, time=f"{now:%Y-%m-%d %H:%M:%S} UTC", contents=contents)
    # before the clock was set, it may be 1970
    time = max(now.timetuple()[:6], _FIRST)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for name, text in (("README.txt", readme), *((name, text) for name, (_, text) in parts.items())):
            entry = zipfile.ZipInfo(f"sim7020-bridge-diagnostics/{name}", time)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            made.writestr(entry, text.encode(errors="replace"))
    return content.getvalue()


def _parts(file: Path, settings: Settings, facts: Facts) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the name of each file, what it is, and what is in it."""
    text = _text(file)
    mask = Mask((*secrets_of(settings), *secrets_of_text(file, text)), _identities(facts))
    yield "configuration.yaml", ("the configuration as it is in the file", mask.configuration(text))
    yield (
        "check.json",
        ("what the bridge makes of it: each key with its value, or the mistakes", mask(_check(file, settings))),
    )
    yield "versions.json", ("versions of the bridge, of Python and of the system", _json(_versions()))
    for modem, documents in facts.documents.items():
        for topic, payload in documents.items():
            name = f"modems/{modem}/{topic.partition(f'/{modem}/')[2] or topic}".replace("..", "_")
            yield f"{name}.json", (topic, mask.document(payload))
    for modem, recording in facts.recordings.items():
        what = "the last of its AT dialogue, which sim7020-bridge decode explains"
        yield f"modems/{modem}/dialogue.at", (what, mask(recording.decode(errors="replace")))
    for modem, messages in facts.messages.items():
        what = "its last messages, and what became of each; not what was in them"
        yield f"modems/{modem}/messages.json", (what, mask(_json(messages)))
    for modem, week in facts.history.items():
        yield f"modems/{modem}/history.json", ("a week of it, and its outages", mask(week.decode()))
    if facts.probe is not None:
        yield "probe.json", ("what came of the last probe of a port", mask(_json(facts.probe)))
    yield "log.txt", ("the last lines of the log", mask("".join(f"{line}\n" for line in facts.log)))


def _check(file: Path, settings: Settings) -> str:
    try:
        reading = read(file)
    except ConfigurationError as error:
        return _json({"valid": False, "mistakes": told(error.mistakes)})
    found = [asdict(each) for each in effective(reading)]
    return _json({"valid": True, "restart": changes(settings, reading.settings).restart, "settings": found})


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
