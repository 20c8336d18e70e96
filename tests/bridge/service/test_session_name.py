"""The name that only one bridge of a machine can have."""

import asyncio
import logging
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.errors import AlreadyRunning
from sim7020_bridge.service import session_name
from sim7020_bridge.service.session_name import SessionName, believed

OUTBOX = Path("/var/lib/a/shed.outbox")


def name(
    client_id: str = "sim7020-bridge-shed",
    *others: tuple[str, int],
    host: str = "localhost",
    port: int = 4711,
) -> SessionName:
    """Return a name at a broker that no other test speaks of, with other nodes if it is a cluster."""
    return SessionName(MqttSettings(host=host, port=port, other_nodes=others), client_id, OUTBOX)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.0.0.1", "::1"])
async def test_the_second_is_told_who_is_first(host: str) -> None:
    """However it writes the broker's name; once the first has gone the name is free."""
    first, second = name(), name(host=host)
    await first.take()
    with pytest.raises(AlreadyRunning, match=rf"it is process \d+, with its outbox in {OUTBOX}"):
        await second.take()
    first.release()
    await second.take()
    second.release()


async def test_nodes_of_a_cluster() -> None:
    """In another order, or one of several: it is the same broker; who is refused keeps no name of any node."""
    first = name("s", ("b.example", 1), host="2001:db8::a", port=1)
    second = name("s", ("2001:DB8:0::A", 1), host="B.example", port=1)
    third = name("s", ("c.example", 1), ("b.example", 1), host="a.example", port=1)
    await first.take()
    for each in (second, third, name("s", host="b.example", port=1)):
        with pytest.raises(AlreadyRunning):
            await each.take()
    others = name("s", ("c.example", 1), host="a.example", port=1)
    await others.take()
    others.release()
    first.release()
    await third.take()
    third.release()


async def test_a_first_one_that_is_busy() -> None:
    """On a slow machine, or just started itself, it has some seconds to say where its outbox is."""
    first, second = name(), name()
    await first.take()
    with ThreadPoolExecutor(1) as elsewhere:
        coming = elsewhere.submit(lambda: asyncio.run(second.take()))
        futures.wait([coming], timeout=1.5)  # this loop answers nobody meanwhile
        with pytest.raises(AlreadyRunning, match=f"with its outbox in {OUTBOX}"):
            await asyncio.wrap_future(coming)
    first.release()


async def test_other_sessions() -> None:
    """Another modem, another broker: each is a session of its own."""
    names = [name(), name("sim7020-bridge-attic"), name(host="broker.example"), name(port=4712)]
    for each in names:
        await each.take()
    for each in names:
        each.release()


async def test_a_name_that_anybody_may_have_taken(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A service does not let somebody who logs in keep it from starting; it says who has its name."""
    monkeypatch.setattr(session_name, "believed", lambda _ours, _other: False)
    first, second = name(), name()
    await first.take()
    with caplog.at_level(logging.WARNING):
        await second.take()
    assert "has the name of sim7020-bridge-shed" in caplog.text
    first.release()
    second.release()


@pytest.mark.parametrize(
    ("ours", "other", "wanted"),
    [
        pytest.param(1000, 1000, True, id="the same user"),
        pytest.param(1000, 999, True, id="by hand beside the service"),
        pytest.param(0, 999, True, id="root by hand beside the service"),
        pytest.param(1000, 1001, True, id="two who log in"),
        pytest.param(999, 1000, False, id="the service beside somebody who logs in"),
        pytest.param(0, 1000, False, id="root beside somebody who logs in"),
        pytest.param(999, 61500, True, id="beside a dynamic user of systemd's"),
        pytest.param(61500, 65534, False, id="beside nobody"),
        pytest.param(999, None, False, id="beside who can't be known"),
        pytest.param(1000, None, True, id="by hand beside who can't be known"),
    ],
)
def test_who_is_believed(ours: int, other: int | None, *, wanted: bool) -> None:
    """Whoever starts a bridge by hand believes everybody, a service only other accounts of the system."""
    assert believed(ours, other) is wanted
