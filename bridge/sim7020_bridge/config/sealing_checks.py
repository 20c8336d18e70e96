"""What is wrong between the keys of sealed sockets."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Final

from sim7020_bridge.config.model import Protocol

Tree = Mapping[object, object]

NEEDED: Final = ("aiocoap", "cbor2", "cryptography", "filelock")
"""Packages of the extra."""

NO_OSCORE: Final = (
    "needs the extra oscore, which is not installed: "
    "pip install 'sim7020-bridge[oscore]' in the bridge's own environment"
)


def sealing_problems(name: object, socket: Tree) -> Iterator[tuple[tuple[object, ...], str, bool]]:
    """Find what is wrong with one socket's; yields the keys that lead there, the words, and whether they are enough."""
    oscore = socket.get("oscore")
    if oscore is None:
        return
    if socket.get("protocol") != Protocol.COAP:
        yield (name, "oscore"), "is for coap only", True
        return
    if not all(find_spec(each) for each in NEEDED):
        yield (name, "oscore"), NO_OSCORE, True
    if isinstance(oscore, Mapping):
        one, other = oscore.get("sender_id"), oscore.get("recipient_id")
        if isinstance(one, str) and isinstance(other, str) and one.lower() == other.lower():
            yield (name, "oscore", "recipient_id"), "must not be the sender_id: each end has its own", False


def same_keys(sockets: Iterator[tuple[tuple[object, ...], Tree]]) -> Iterator[tuple[tuple[object, ...], str]]:
    """Find sockets that seal with the key of another: the numbers of messages belong to one.

    Args:
        sockets: Each with the keys that lead to it.
    """
    seen: dict[tuple[object, ...], tuple[object, ...]] = {}
    for path, socket in sockets:
        oscore = socket.get("oscore")
        if not isinstance(oscore, Mapping):
            continue
        given = tuple(str(oscore.get(key) or "").lower() for key in ("sender_id", "salt", "id_context"))
        key = (oscore.get("secret_file"), *given)
        if key in seen:
            modem, other = seen[key][1], seen[key][-1]
            yield (*path, "oscore"), f"the socket {other} of the modem {modem} has this key: each needs its own"
        seen.setdefault(key, path)
