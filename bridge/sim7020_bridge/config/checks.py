"""What single values can't show: keys that exclude or need each other, topics that would loop.

The checks look at the file as it was read, right or wrong, so that all mistakes can be told at once.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

from sim7020_bridge.config.coap_url import coap_url
from sim7020_bridge.config.model import (
    DEFAULT_BASE_TOPIC,
    BatchFormat,
    CoapSettings,
    MqttProtocol,
    OscoreSettings,
    PayloadForm,
    Protocol,
    default_client_id,
)
from sim7020_bridge.config.module_values import power_saving_conflicts
from sim7020_bridge.config.picking import change_conflicts, pick_conflicts, picked_field
from sim7020_bridge.config.sealing_checks import same_keys, sealing_problems
from sim7020_bridge.config.topic_names import filter_problem, overlaps, topic_problem
from sim7020_bridge.config.values import WrongValue, text

NO_COAP = (
    "needs the extra coap, which is not installed: pip install 'sim7020-bridge[coap]' in the bridge's own environment"
)

_MARKS: Mapping[str, int] = {BatchFormat.LENGTH: 2, BatchFormat.JSON: 4}
"""Bytes that mark a message in a batch at least."""

Tree = Mapping[object, object]
Sections = Mapping[object, Tree]
"""By the names that the user gave them."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a path of keys.

    Args:
        path: The keys and list indices that lead there.
        text: What is wrong and what is allowed.
        quiet: The value there must not or need not be shown.
        line: 1-based, where the path does not lead to it.
    """

    path: tuple[object, ...]
    text: str
    quiet: bool = False
    line: int | None = None


def cross_check(tree: Tree) -> Iterator[Problem]:
    """Find what is wrong between keys."""
    yield from broker_conflicts(tree)
    mqtt = _mapping(tree, "mqtt")
    http = _mapping(tree, "http")
    for key in ("tls", "ingress"):
        if key in http and http.get("page") is not True:
            yield Problem(("http", key), "needs page: true", quiet=True)
    modems = dict(_sections(tree, "modems"))
    base = mqtt.get("base_topic", DEFAULT_BASE_TOPIC)
    yield from _alone(modems, "port", "the modem {} has this port already", same=_device)
    yield from _alone(_identified(modems, base), "client_id", "the modem {} has it: each needs its own")
    for where, words in same_keys(_all_sockets(modems)):
        yield Problem(where, words, quiet=True)
    for name, modem in modems.items():
        path = ("modems", name)
        yield from _either(modem, path, "pin", "pin_file")
        yield from _either(modem, path, "apn_password", "apn_password_file")
        yield from _need(modem, path, ("apn_username",), "apn")
        yield from _need(modem, path, ("apn_password", "apn_password_file"), "apn_username")
        sockets = dict(_sections(modem, "sockets"))
        yield from _topics(sockets, base, (*path, "sockets"))
        yield from _peers(_mapping(modem, "sockets"), (*path, "sockets"))
        yield from _batches(sockets, (*path, "sockets"))
        yield from _payloads(sockets, (*path, "sockets"))
        for socket, keys in sockets.items():
            for where, words, quiet in sealing_problems(socket, keys):
                yield Problem((*path, "sockets", *where), words, quiet=quiet)
        yield from _rooms(sockets, (*path, "sockets"))
        yield from _news(sockets, (*path, "sockets"))
        yield from _pools(sockets, mqtt, (*path, "sockets"))
        for key, words in power_saving_conflicts(_mapping(modem, "power_saving")):
            yield Problem((*path, "power_saving", key), words, quiet=words.startswith("needs"))
        yield from _power_hook(_mapping(modem, "recovery"), modems, base, (*path, "recovery", "power"))


def _all_sockets(modems: Sections) -> Iterator[tuple[tuple[object, ...], Tree]]:
    for name, modem in modems.items():
        for socket, keys in _sections(modem, "sockets"):
            yield ("modems", name, "sockets", socket), keys


def broker_conflicts(tree: Tree) -> Iterator[Problem]:
    """Find what is wrong between the keys of the section ``mqtt``."""
    mqtt = _mapping(tree, "mqtt")
    yield from _either(mqtt, ("mqtt",), "password", "password_file")
    yield from _need(mqtt, ("mqtt",), ("password", "password_file"), "username", "a password needs a username")
    tls = _mapping(mqtt, "tls")
    yield from _need(tls, ("mqtt", "tls"), ("cert_file",), "key_file")
    yield from _need(tls, ("mqtt", "tls"), ("key_file",), "cert_file")


def _either(tree: Tree, path: tuple[object, ...], *keys: str) -> Iterator[Problem]:
    """Find keys of which there may be one only."""
    given = [key for key in keys if key in tree]
    for key in given[1:]:
        yield Problem((*path, key), f"give {given[0]} or {key}, not both", quiet=True)


def _need(
    tree: Tree, path: tuple[object, ...], keys: tuple[str, ...], other: str, words: str | None = None
) -> Iterator[Problem]:
    """Find keys that are given without another one, which they need."""
    for key in keys:
        if key in tree and other not in tree:
            yield Problem((*path, key), words or f"needs {other} as well", quiet=True)


def _alone(modems: Sections, key: str, words: str, same: Callable[[str], str] = str) -> Iterator[Problem]:
    """Find what a modem must have for itself and another has already, whom ``words`` name; ``same`` tells which are."""
    seen: dict[str, object] = {}
    for name, modem in modems.items():
        value = modem.get(key)
        if isinstance(value, str):
            if same(value) in seen:
                yield Problem(("modems", name, key), words.format(seen[same(value)]))
            seen.setdefault(same(value), name)


def _identified(modems: Sections, base: object) -> Sections:
    """Return the modems with their client identifiers; those that have the default first."""
    # so that the problem is told where it can be mended
    given = {name: modem for name, modem in modems.items() if "client_id" in modem}
    others = [name for name in modems if name not in given]
    return {**{name: {"client_id": default_client_id(str(base), str(name))} for name in others}, **given}


def _device(port: str) -> str:
    return str(Path(port).resolve()) if port.startswith("/") and "\0" not in port else port


def _topics(sockets: Sections, base: object, path: tuple[object, ...]) -> Iterator[Problem]:
    filters = []
    for name, socket in sockets.items():
        published = {key: socket[key] for key in ("received_topic", "dead_letter_topic") if key in socket}
        for key, topic in published.items():
            if isinstance(topic, str) and isinstance(base, str) and topic.startswith(f"{base}/"):
                yield Problem((*path, name, key), f"topics under {base}/ are the bridge's own")
        for index, pattern in _filters(socket):
            where = (*path, name, "send_topics", index)
            filters.append((where, name, pattern))
            if isinstance(base, str) and not topic_problem(base) and overlaps(pattern, f"{base}/#"):
                yield Problem(where, f"must not match topics under {base}/, which are the bridge's own")
            for key, topic in published.items():
                if isinstance(topic, str) and not topic_problem(topic) and overlaps(pattern, topic):
                    yield Problem(where, f"must not match the socket's own {key} {topic}: that is a loop")
    for (_, one, first), (where, other, second) in combinations(filters, 2):
        if overlaps(first, second):
            whose = "this socket" if one == other else f"the socket {one}"
            yield Problem(where, f"{whose} takes {first} already: a message could be sent twice")


def _peers(sockets: Tree, path: tuple[object, ...]) -> Iterator[Problem]:
    for name, socket in sockets.items():
        if not isinstance(socket, dict):
            continue
        coap = socket.get("protocol") == Protocol.COAP
        needed = {"url": "where messages are posted to"} if coap else {"host": "the peer", "port": "the peer's port"}
        foreign, words = (("host", "port"), "is in the url") if coap else (("url", "confirmable"), "is for coap only")
        for key in needed.keys() - socket.keys():
            yield Problem((*path, name, key), f"the key {key} is missing: {needed[key]}", quiet=True)
        for key in foreign:
            if key in socket:
                yield Problem((*path, name, key), words, quiet=True)
        if coap and find_spec("aiocoap") is None:
            yield Problem((*path, name, "protocol"), NO_COAP)


def _batches(sockets: Sections, path: tuple[object, ...]) -> Iterator[Problem]:
    for name, socket in sockets.items():
        if "batch" in socket and socket.get("protocol") == "tcp":
            yield Problem((*path, name, "batch"), "is for udp only: TCP has no datagrams", quiet=True)
        if "keep_alive" in socket and socket.get("protocol") in ("udp", "coap"):
            yield Problem((*path, name, "keep_alive"), "is for tcp only: UDP has no connections", quiet=True)
        yield from _need(socket, (*path, name), ("batch_wait",), "batch")


def _payloads(sockets: Sections, path: tuple[object, ...]) -> Iterator[Problem]:
    for name, socket in sockets.items():
        form, pick, here = socket.get("payload"), socket.get("pick"), (*path, name, "payload")
        if "payload" in socket and socket.get("protocol") == "tcp":
            yield Problem(here, "is for udp only: TCP does not tell where a message ends", quiet=True)
        if "payload" in socket and socket.get("batch") in ("newline", "json"):
            yield Problem((*path, name, "batch"), "is for text: with payload, batch can be length only")
        if form == PayloadForm.CBOR and find_spec("cbor2") is None:
            yield Problem(here, "needs cbor2, which is not installed: pip install 'sim7020-bridge[cbor]'")
        if form == PayloadForm.STRUCT and not pick:
            yield Problem(here, "needs pick, with a type for each field")
        yield from _need(socket, (*path, name), ("pick",), "payload", "needs payload: cbor or struct")
        if isinstance(pick, list):
            for index, words in pick_conflicts(pick, form):
                yield Problem((*path, name, "pick", index), words)


def _rooms(sockets: Sections, path: tuple[object, ...]) -> Iterator[Problem]:
    """Find limits below which no message at all could be sent."""
    for name, socket in sockets.items():
        most = socket.get("max_payload")
        if not isinstance(most, int) or socket.get("protocol") == Protocol.TCP:
            continue
        least = _MARKS.get(str(socket.get("batch")), 0) + max(1, _struct_size(socket))
        with suppress(WrongValue):
            url = coap_url(socket["url"]) if socket.get("protocol") == Protocol.COAP and "url" in socket else None
            least += 0 if url is None else CoapSettings(url.path, url.query, oscore=_ids(socket)).overhead
        if 0 < most < least:
            yield Problem((*path, name, "max_payload"), f"no message would fit: the shortest takes {least} bytes here")


def _ids(socket: Tree) -> OscoreSettings | None:
    """Return as much of a sealed socket's keys as takes room."""
    oscore = socket.get("oscore")
    if not isinstance(oscore, dict):
        return None
    sender, context = (len(str(oscore.get(key, ""))) // 2 for key in ("sender_id", "id_context"))
    return OscoreSettings(b"", bytes(sender), b"", id_context=bytes(context) or None)


def _struct_size(socket: Tree) -> int:
    """Return the bytes of a struct; 0 if it is none, or not rightly written."""
    pick = socket.get("pick")
    if socket.get("payload") != PayloadForm.STRUCT or not isinstance(pick, list):
        return 0
    try:
        return sum(picked_field(text(written)).size for written in pick)
    except WrongValue:
        return 0


def _news(sockets: Sections, path: tuple[object, ...]) -> Iterator[Problem]:
    for name, socket in sockets.items():
        if "every" in socket and socket.get("protocol") == "tcp":
            yield Problem((*path, name, "every"), "is for udp only", quiet=True)
        yield from _need(socket, (*path, name), ("change",), "pick")
        if isinstance(change := socket.get("change"), list):
            for index, words in change_conflicts(change, socket.get("pick")):
                yield Problem((*path, name, "change", index), words)


def _pools(sockets: Sections, mqtt: Tree, path: tuple[object, ...]) -> Iterator[Problem]:
    members: dict[object, object] = {}
    for name, socket in sockets.items():
        pool = socket.get("pool")
        if not isinstance(pool, str):
            continue
        if str(mqtt.get("protocol")) == MqttProtocol.V311:
            yield Problem((*path, name, "pool"), "needs MQTT 5, and mqtt.protocol is 3.1.1", quiet=True)
        if pool in members:
            problem = f"the socket {members[pool]} of this modem is in that pool already: one of a modem is enough"
            yield Problem((*path, name, "pool"), problem)
        members.setdefault(pool, name)


def _power_hook(recovery: Tree, modems: Sections, base: object, path: tuple[object, ...]) -> Iterator[Problem]:
    hook = recovery.get("power")
    if not isinstance(hook, dict):
        return
    if not hook.keys() & {"command", "topic", "gpio"}:
        yield Problem(path, "needs one of command, topic and gpio", quiet=True)
    yield from _either(hook, path, "command", "topic", "gpio")
    yield from _need(hook, path, ("press_payload", "release_payload"), "topic")
    topic = hook.get("topic")
    if isinstance(topic, str) and not topic_problem(topic):
        yield from _hook_topic(topic, modems, base, (*path, "topic"))


def _hook_topic(topic: str, modems: Sections, base: object, path: tuple[object, ...]) -> Iterator[Problem]:
    if isinstance(base, str) and not topic_problem(base) and overlaps(topic, f"{base}/#"):
        yield Problem(path, f"topics under {base}/ are the bridge's own")
    for modem, settings in modems.items():
        for name, socket in _sections(settings, "sockets"):
            if socket.get("received_topic") == topic:
                yield Problem(path, f"what the socket {name} of {modem} receives would switch the power")
            for _, pattern in _filters(socket):
                if overlaps(pattern, topic):
                    yield Problem(path, f"the socket {name} of {modem} would send what is published here: {pattern}")


def _filters(socket: Tree) -> Iterator[tuple[int, str]]:
    filters = socket.get("send_topics")
    if isinstance(filters, list):
        for index, pattern in enumerate(filters):
            if isinstance(pattern, str) and not filter_problem(pattern):
                yield index, pattern


def _sections(tree: Tree, key: object) -> Iterator[tuple[object, Tree]]:
    named = _mapping(tree, key)
    for name in named:
        yield name, _mapping(named, name)


def _mapping(tree: Tree, key: object) -> Tree:
    value = tree.get(key)
    return value if isinstance(value, dict) else {}
