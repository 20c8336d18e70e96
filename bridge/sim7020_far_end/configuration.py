"""From a YAML file to the far end's settings, or to every mistake: its keys, each with its reader and description."""

import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from sim7020_bridge.config import picking, values
from sim7020_bridge.config.checks import Problem, broker_conflicts
from sim7020_bridge.config.keys import LOGGING, broker
from sim7020_bridge.config.load import read_keys
from sim7020_bridge.config.model import DEFAULT_PORT, DEFAULT_TLS_PORT, BatchFormat, PayloadForm
from sim7020_bridge.config.picking import pick_conflicts
from sim7020_bridge.config.schema import Key, Named, Section, list_of
from sim7020_bridge.config.socket_keys import oscore
from sim7020_bridge.config.state_directory import default_state_dir
from sim7020_far_end import settings

NO_OSCORE: Final = "the far end needs the extra oscore, which is not installed: pip install 'sim7020-bridge[oscore]'"

_PROGRAM: Final = "sim7020-far-end"
_LONGEST_SILENCE: Final = 366 * 24 * 3600
_NEEDED: Final = ("aiocoap", "cbor2", "cryptography", "filelock")


def load(path: Path, environment: Mapping[str, str] = os.environ) -> settings.Settings:
    """Read a configuration file; other files that it names are looked for beside it.

    Raises:
        ConfigurationError: with every mistake, in the order of the file's lines.
    """
    section = root(path.parent)
    keys = read_keys(path, section, lambda tree: _cross_check(tree, environment))
    keys.setdefault("state_dir", default_state_dir(environment, _PROGRAM))
    keys["mqtt"].setdefault("port", DEFAULT_TLS_PORT if "tls" in keys["mqtt"] else DEFAULT_PORT)
    made: settings.Settings = section.build(keys)
    return made


def root(directory: Path) -> Section:
    """Return the whole file's section; files that keys name are looked for in ``directory``."""
    return Section(
        settings.Settings,
        Key("mqtt", broker(directory, base_topic=settings.DEFAULT_BASE_TOPIC), "The far end's broker.", required=True),
        Key("modems", Named(_modem(directory), noun="modem", fewest=1), "One or more modems by name.", required=True),
        Key(
            "listen",
            _listen,
            f"The address and UDP port to listen at; without it, `[::]:{settings.DEFAULT_PORT}`: all "
            "addresses of this machine.",
            default=None,
        ),
        Key(
            "state_dir",
            values.directory(directory),
            "The directory for what the far end must know after a restart; created if it does not exist. Without it, "
            f"systemd's `$STATE_DIRECTORY`, else `$XDG_STATE_HOME/{_PROGRAM}`, else `~/.local/state/{_PROGRAM}`.",
        ),
        Key("client_id", values.client_id, "The MQTT client identifier; without it, it is made of `base_topic`."),
        Key("logging", LOGGING, "What is logged, to standard error: keys as the bridge has them."),
        Key(
            "home_assistant_discovery",
            values.discovery_prefix,
            "Announce the modems to Home Assistant by MQTT discovery: `true`, or the prefix if it isn't "
            f"`{values.DISCOVERY_PREFIX}`.",
            default=False,
        ),
    )


def _modem(directory: Path) -> Section:
    return Section(
        settings.ModemSettings,
        Key(
            "oscore",
            oscore(directory),
            "What its messages are sealed by, as at the other end with the ids exchanged.",
            required=True,
        ),
        Key(
            "paths", Named(_PATH, noun="path", fewest=0, name=_path), "What it posts to which path, if it is not bytes."
        ),
        Key(
            "silence",
            values.whole_number(1, _LONGEST_SILENCE),
            "Seconds without a message after which the modem counts as offline, 1 to 31622400.",
        ),
    )


def _path(value: object) -> str:
    """Read a path: segments with slashes between them, as they stand in a topic."""
    try:
        return values.base_topic(value)
    except values.WrongValue as error:
        raise values.WrongValue(f"a path: {error}") from error


_PATH: Final = Section(
    settings.PathSettings,
    Key(
        "payload",
        values.choice(PayloadForm),
        "What the bridge's socket has for `payload`: `cbor` or `struct`, which are published as JSON.",
    ),
    Key(
        "pick",
        list_of(picking.picked, "fields, such as [temperature, update.state]"),
        "What it has for `pick`: the same fields in the same order.",
    ),
    Key(
        "batch",
        values.choice(BatchFormat),
        "What it has for `batch`: `newline`, `length` or `json`. Each message is published by itself.",
    ),
)


def _listen(value: object) -> tuple[str, int]:
    host, port = values.host_and_port(value)
    return host, port or settings.DEFAULT_PORT


def _cross_check(tree: Mapping[object, object], environment: Mapping[str, str]) -> Iterator[Problem]:
    """Find what is wrong between keys, and with what they need."""
    if any(find_spec(package) is None for package in _NEEDED):
        yield Problem((), NO_OSCORE, quiet=True)
    yield from broker_conflicts(tree)
    if "state_dir" not in tree and default_state_dir(environment, _PROGRAM) is None:
        yield Problem(("state_dir",), "the key is needed here: the user that this runs as has no home", quiet=True)
    seen: dict[tuple[str, ...], object] = {}
    for name, modem in _sections(tree, "modems"):
        keys = _mapping(modem, "oscore")
        where = ("modems", name, "oscore")
        ours, theirs = keys.get("sender_id"), keys.get("recipient_id")
        if isinstance(ours, str) and isinstance(theirs, str) and ours.lower() == theirs.lower():
            yield Problem((*where, "recipient_id"), "must not be the sender_id: each end has its own")
        same = tuple(str(keys.get(key)).lower() for key in ("secret_file", "recipient_id", "salt", "id_context"))
        if same in seen:
            yield Problem((*where, "secret_file"), f"the modem {seen[same]} has this key")
        seen.setdefault(same, name)
        for path, form in _sections(modem, "paths"):
            yield from _forms(form, ("modems", name, "paths", path))


def _forms(keys: Mapping[object, object], where: tuple[object, ...]) -> Iterator[Problem]:
    form, pick = keys.get("payload"), keys.get("pick")
    if form == PayloadForm.STRUCT and not pick:
        yield Problem((*where, "payload"), "needs pick, with a type for each field")
    if "pick" in keys and "payload" not in keys:
        yield Problem((*where, "pick"), "needs payload: cbor or struct", quiet=True)
    if "payload" in keys and keys.get("batch") in ("newline", "json"):
        yield Problem((*where, "batch"), "is for text: with payload, batch can be length only")
    if isinstance(pick, list):
        for index, words in pick_conflicts(pick, form):
            yield Problem((*where, "pick", index), words)


def _sections(tree: Mapping[object, object], key: object) -> Iterator[tuple[object, Mapping[object, object]]]:
    named = _mapping(tree, key)
    for name in named:
        yield name, _mapping(named, name)


def _mapping(tree: Mapping[object, object], key: object) -> Mapping[object, object]:
    value = tree.get(key)
    return value if isinstance(value, dict) else {}
