"""What an incoming topic is for."""

import pytest

from sim7020_bridge.config.model import SocketSettings, Transport
from sim7020_bridge.mqtt.topics import Inbox, Request, SocketSend, Subscription, Topics

TOPICS = Topics("nb/iot", "shed")
INBOX = Inbox(
    TOPICS,
    [
        SocketSettings("a", Transport.UDP, "h", 1, send_topics=("garden/+/temperature", "alarm/#"), pool="meters"),
        SocketSettings("b", Transport.TCP, "h", 1, send_topics=("x",)),
    ],
)


def test_client_id() -> None:
    """Two modems have the same only if their topics are the same."""
    bases = ("sim7020", "farm", "farm/shed", "farm.shed", "farm~2e~shed", "sim7020-bridge")
    modems = ("shed", "farm", "sim7020", "farm-shed")
    ids = {Topics(base, modem).client_id for base in bases for modem in modems}
    assert len(ids) == len(bases) * len(modems)
    assert Topics("sim7020", "shed").client_id == "sim7020-bridge-shed"
    assert TOPICS.client_id == "sim7020-bridge-nb.iot.shed"
    assert Topics("Hof 7/#ä", "shed").client_id == "sim7020-bridge-Hof~20~7.~23~~e4~.shed"


def test_subscriptions() -> None:
    """The bridge's own topics show the publisher's retain flag, a user's own do not."""
    assert INBOX.subscriptions == (
        Subscription("nb/iot/shed/socket/+/send", retain_as_published=True),
        Subscription("nb/iot/shed/request/+", retain_as_published=True),
        Subscription("garden/+/temperature"),
        Subscription("alarm/#"),
        Subscription("x"),
    )


@pytest.mark.parametrize(
    ("topic", "destination"),
    [
        ("nb/iot/shed/socket/a/send", SocketSend("a")),
        ("nb/iot/shed/socket/unknown/send", SocketSend("unknown")),
        ("nb/iot/shed/request/ping", Request("ping")),
        ("nb/iot/shed/request/", Request("")),
        ("garden/1/temperature", SocketSend("a")),
        ("alarm", SocketSend("a")),
        ("alarm/fire/now", SocketSend("a")),
        ("x", SocketSend("b")),
        ("nb/iot/pool/meters/send", SocketSend("a", "meters")),
        ("nb/iot/pool/others/send", SocketSend("others", "others")),
        ("nb/iot/pool/meters/receipt", None),
        ("nb/iot/shed/state", None),
        ("nb/iot/shed/socket/a/received", None),
        ("nb/iot/attic/socket/a/send", None),
        ("nb/iot/shed/request/ping/more", None),
        ("garden/temperature", None),
    ],
)
def test_destination(topic: str, destination: SocketSend | Request | None) -> None:
    """Own topics and mapped topics lead to their sockets and requests, all others nowhere."""
    assert INBOX.destination(topic) == destination


def test_pools() -> None:
    """A pool's subscription is shared by the pool's name, and apart from the others: a modem may leave it."""
    shared = Subscription("$share/meters/nb/iot/pool/meters/send", retain_as_published=True)
    assert INBOX.pools == (shared,)
    assert shared not in INBOX.subscriptions


def test_strange_pools() -> None:
    """What comes from a pool that the modem is not in is told by the filter that a session of before still has."""
    assert INBOX.strange(SocketSend("a", "meters")) is None
    assert INBOX.strange(SocketSend("a")) is None
    assert INBOX.strange(SocketSend("others", "others")) == "$share/others/nb/iot/pool/others/send"
