"""What single values can't show: keys that exclude or need each other, topics that would loop.

The checks look at the file as it was read, right or wrong, so that all mistakes can be told at once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from sim7020_bridge.config.model import DEFAULT_BASE_TOPIC, MqttProtocol
from sim7020_bridge.config.module_values import power_saving_conflicts
from sim7020_bridge.config.topic_names import filter_problem, overlaps, topic_problem

Tree = Mapping[object, object]


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
    mqtt = _mapping(tree, "mqtt")
    yield from _login(mqtt)
    yield from _client_certificate(_mapping(mqtt, "tls"))
    base = mqtt.get("base_topic", DEFAULT_BASE_TOPIC)
    modems = _mapping(tree, "modems")
    yield from _ports(modems)
    for name in modems:
        modem = _mapping(modems, name)
        yield from _pin(modem, ("modems", name))
        yield from _apn(modem, ("modems", name))
        yield from _topics(_mapping(modem, "sockets"), base, ("modems", name, "sockets"))
        yield from _batches(_mapping(modem, "sockets"), ("modems", name, "sockets"))
        yield from _pools(_mapping(modem, "sockets"), mqtt, ("modems", name, "sockets"))
        yield from _power_saving(_mapping(modem, "power_saving"), ("modems", name, "power_saving"))
        yield from _power_hook(_mapping(modem, "recovery"), modems, base, ("modems", name, "recovery"))


def _login(mqtt: Tree) -> Iterator[Problem]:
    if "password" in mqtt and "password_file" in mqtt:
        yield Problem(("mqtt", "password_file"), "give password or password_file, not both", quiet=True)
    for key in ("password", "password_file"):
        if key in mqtt and "username" not in mqtt:
            yield Problem(("mqtt", key), "a password needs a username", quiet=True)


def _client_certificate(tls: Tree) -> Iterator[Problem]:
    for key, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if key in tls and other not in tls:
            yield Problem(("mqtt", "tls", key), f"needs {other} as well", quiet=True)


def _ports(modems: Tree) -> Iterator[Problem]:
    seen: dict[str, object] = {}
    for name in modems:
        port = _mapping(modems, name).get("port")
        if not isinstance(port, str):
            continue
        device = str(Path(port).resolve()) if port.startswith("/") and "\0" not in port else port
        if device in seen:
            yield Problem(("modems", name, "port"), f"the modem {seen[device]} has this port already")
        seen.setdefault(device, name)


def _pin(modem: Tree, path: tuple[object, ...]) -> Iterator[Problem]:
    if "pin" in modem and "pin_file" in modem:
        yield Problem((*path, "pin_file"), "give pin or pin_file, not both", quiet=True)


def _apn(modem: Tree, path: tuple[object, ...]) -> Iterator[Problem]:
    if "apn_password" in modem and "apn_password_file" in modem:
        yield Problem((*path, "apn_password_file"), "give apn_password or apn_password_file, not both", quiet=True)
    needs = (("apn_username", "apn"), ("apn_password", "apn_username"), ("apn_password_file", "apn_username"))
    for key, other in needs:
        if key in modem and other not in modem:
            yield Problem((*path, key), f"needs {other} as well", quiet=True)


def _topics(sockets: Tree, base: object, path: tuple[object, ...]) -> Iterator[Problem]:
    filters = []
    for name in sockets:
        socket = _mapping(sockets, name)
        published = {key: socket[key] for key in ("received_topic", "dead_letter_topic") if key in socket}
        yield from _published_topics(published, base, (*path, name))
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


def _published_topics(published: Mapping[str, object], base: object, path: tuple[object, ...]) -> Iterator[Problem]:
    for key, topic in published.items():
        if isinstance(topic, str) and isinstance(base, str) and topic.startswith(f"{base}/"):
            yield Problem((*path, key), f"topics under {base}/ are the bridge's own")


def _batches(sockets: Tree, path: tuple[object, ...]) -> Iterator[Problem]:
    for name in sockets:
        socket = _mapping(sockets, name)
        if "batch" in socket and socket.get("protocol") == "tcp":
            yield Problem((*path, name, "batch"), "is for udp only: TCP has no datagrams", quiet=True)
        if "batch_wait" in socket and "batch" not in socket:
            yield Problem((*path, name, "batch_wait"), "needs batch as well", quiet=True)


def _pools(sockets: Tree, mqtt: Tree, path: tuple[object, ...]) -> Iterator[Problem]:
    members: dict[object, object] = {}
    for name in sockets:
        pool = _mapping(sockets, name).get("pool")
        if not isinstance(pool, str):
            continue
        if str(mqtt.get("protocol")) == MqttProtocol.V311:
            yield Problem((*path, name, "pool"), "needs MQTT 5, and mqtt.protocol is 3.1.1", quiet=True)
        if pool in members:
            problem = f"the socket {members[pool]} of this modem is in that pool already: one of a modem is enough"
            yield Problem((*path, name, "pool"), problem)
        members.setdefault(pool, name)


def _power_saving(saving: Tree, path: tuple[object, ...]) -> Iterator[Problem]:
    for key, words in power_saving_conflicts(saving):
        yield Problem((*path, key), words, quiet=words.startswith("needs"))


def _power_hook(recovery: Tree, modems: Tree, base: object, path: tuple[object, ...]) -> Iterator[Problem]:
    hook = recovery.get("power")
    if not isinstance(hook, dict):
        return
    kinds = [kind for kind in ("command", "topic", "gpio") if kind in hook]
    if not kinds:
        yield Problem((*path, "power"), "needs one of command, topic and gpio", quiet=True)
    for kind in kinds[1:]:
        yield Problem((*path, "power", kind), f"give {kinds[0]} or {kind}, not both", quiet=True)
    for key in ("press_payload", "release_payload"):
        if key in hook and "topic" not in hook:
            yield Problem((*path, "power", key), "needs topic as well", quiet=True)
    topic = hook.get("topic")
    if isinstance(topic, str) and not topic_problem(topic):
        yield from _hook_topic(topic, modems, base, (*path, "power", "topic"))


def _hook_topic(topic: str, modems: Tree, base: object, path: tuple[object, ...]) -> Iterator[Problem]:
    if isinstance(base, str) and not topic_problem(base) and overlaps(topic, f"{base}/#"):
        yield Problem(path, f"topics under {base}/ are the bridge's own")
    for modem in modems:
        sockets = _mapping(_mapping(modems, modem), "sockets")
        for name in sockets:
            socket = _mapping(sockets, name)
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


def _mapping(tree: Tree, key: object) -> Tree:
    value = tree.get(key)
    return value if isinstance(value, dict) else {}


def _number(tree: Tree, key: object) -> float | None:
    value = tree.get(key)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
