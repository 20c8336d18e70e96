"""What plain clients ask of a broker: rows of the table in docs/brokers.md, each with the test that answers it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.brokers.ground import NO, YES, Answer, Ground, Later
from tests.brokers.peer import ANSWERS_WITHIN, SHARE, Unanswered, Will
from tests.brokers.programs import V5, V311, Running
from tests.e2e.servers import until

NOT_HERE: Final = "-"
"""The broker has not got the version of MQTT that has it."""
NOT_DONE: Final = "granted, but not done"
MANY: Final = 20
EXPIRY: Final = 1
"""Seconds that a message lives that is to expire."""
LARGE: Final = 65536
"""Bytes of the largest payload that the bridge looks at."""
REFUSED: Final = 0x80


async def versions(broker: Running, patience: float) -> Sequence[MQTTProtocolVersion]:
    """Return the versions of MQTT in which a broker accepts a client, the newest first, which some never answer."""
    accepted = []
    for version, within in ((V5, patience), (V311, ANSWERS_WITHIN)):
        with suppress(Unanswered):
            async with Ground(broker, version, patience).peer("versions", answers_within=within):
                accepted.append(version)
    return accepted


def _numbers(count: int = MANY) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


async def _leave(ground: Ground, name: str) -> None:
    """Have messages published while a client with a session is away, and the broker knows: its will tells."""
    gone = f"{name}-gone"
    async with ground.peer(f"{name}-other") as other:
        await other.subscribe(gone)
        async with ground.peer(name, will=Will(gone, b"gone"), lasting=True) as mine:
            await mine.subscribe(f"{name}/#")
            await mine.cut()
        await other.messages(1, ground.patience)
    # amqtt sends the will, and ends the connection after that: what comes in between is lost
    async with ground.peer(f"{name}-later") as later:
        await later.publish(f"{name}/one", *_numbers())


async def _come_back(ground: Ground, name: str) -> str:
    """Tell whether all of them come when it is back; how many others lose is up to chance."""
    async with ground.peer(name, lasting=True) as mine:
        mine.resume(f"{name}/#")
        came = await mine.messages(MANY, ground.patience)
    return YES if {bytes(each.payload) for each in came} == set(_numbers()) else NO


async def away(ground: Ground) -> str:
    """Messages wait while the client's connection is broken."""
    await _leave(ground, "away")
    return await _come_back(ground, "away")


async def away_restart(ground: Ground) -> Later:
    """Messages wait while the client is away and the broker restarts."""
    await _leave(ground, "away-restart")
    return lambda: _come_back(ground, "away-restart")


async def unacknowledged(ground: Ground) -> str:
    """A message that was not acknowledged comes again at the next connection, marked as a repetition."""
    async with ground.peer("slow", lasting=True, acknowledges=False) as mine:
        await mine.subscribe("slow/#")
        async with ground.peer("slow-other") as other:
            await other.publish("slow/one", b"again")
        first = await mine.messages(1, ground.patience)
        await mine.cut()
    async with ground.peer("slow", lasting=True) as mine:
        mine.resume("slow/#")
        again = await mine.messages(1, ground.patience)
    if not first or not again:
        return NO
    return YES if again[0].dup else "yes, without DUP"


async def _retain(ground: Ground, name: str) -> None:
    async with ground.peer(f"{name}-other") as other:
        await other.publish(f"{name}/some/where", b"kept", retain=True)


async def _is_retained(ground: Ground, name: str, topic_filter: str) -> str:
    async with ground.peer(name) as mine:
        await mine.subscribe(topic_filter)
        came = await mine.messages(1, ground.patience)
    return YES if came and came[0].retain else NO


async def retained_exact(ground: Ground) -> str:
    """What is retained comes to a subscription of its very topic."""
    await _retain(ground, "exact")
    return await _is_retained(ground, "exact", "exact/some/where")


async def retained_wildcard(ground: Ground) -> str:
    """What is retained comes to subscriptions with either wildcard."""
    await _retain(ground, "wild")
    plus, rest = [await _is_retained(ground, "wild", each) for each in ("wild/+/where", "wild/#")]
    return plus if plus == rest else f"+ {plus}, # {rest}"


async def retained_restart(ground: Ground) -> Later:
    """What is retained is still there after a restart of the broker."""
    await _retain(ground, "kept")
    return lambda: _is_retained(ground, "kept", "kept/some/where")


async def retained_emptied(ground: Ground) -> str:
    """An empty payload takes away what is retained."""
    async with ground.peer("emptied-other") as other:
        await other.publish("emptied/topic", b"kept", retain=True)
        await other.publish("emptied/topic", b"", retain=True)
    async with ground.peer("emptied") as mine:
        await mine.subscribe("emptied/topic")
        async with ground.peer("emptied-after") as other:
            await other.publish("emptied/topic", b"after")
        came = await mine.messages(1, ground.patience)
    return YES if [bytes(each.payload) for each in came] == [b"after"] else NO


async def retained_asked(ground: Ground) -> str:
    """A client that has subscribed to something else is told nothing of what is retained."""
    async with ground.peer("asked-other") as other:
        await other.subscribe("asked/#")
        await other.publish("asked/kept", b"kept", retain=True)
        async with ground.peer("asked") as mine:
            await mine.subscribe("asked/mine")
            await other.publish("asked/mine", b"mine")
            await mine.messages(1, ground.patience)
            return NO if mine.strays else YES


async def retained_told(ground: Ground) -> str:
    """A subscriber is told that a new message is to be retained (MQTT 5.0 section 3.8.3.1)."""
    if ground.version is not V5:
        return NOT_HERE
    async with ground.peer("told") as mine, ground.peer("told-other") as other:
        await mine.subscribe("told/topic")
        await other.publish("told/topic", b"new", retain=True)
        came = await mine.messages(1, ground.patience)
    return YES if came and came[0].retain else NO


async def will(ground: Ground) -> str:
    """The last will is published when a connection breaks, and stays."""
    async with ground.peer("will-other") as other:
        await other.subscribe("will/topic")
        async with ground.peer("will", will=Will("will/topic", b"offline"), lasting=True) as mine:
            await mine.cut()
        told = await other.messages(1, ground.patience)
    async with ground.peer("will-later") as later:
        await later.subscribe("will/topic")
        kept = await later.messages(1, ground.patience)
    return YES if told and kept else "not retained" if told else NO


async def responses(ground: Ground) -> str:
    """Response Topic, Correlation Data and user properties go through as they are."""
    if ground.version is not V5:
        return NOT_HERE
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ResponseTopic, properties.CorrelationData = "ask/answer", b"\x00\xff"
    properties.UserProperty = [("id", "one"), ("key", "two")]
    async with ground.peer("ask") as mine, ground.peer("ask-other") as other:
        await mine.subscribe("ask/topic")
        await other.publish("ask/topic", b"?", properties=properties)
        came = await mine.messages(1, ground.patience)
    if not came:
        return NO
    told = came[0].properties
    names = ("ResponseTopic", "CorrelationData", "UserProperty")
    lost = [name for name in names if getattr(told, name, None) != getattr(properties, name)]
    return f"not {', '.join(lost)}" if lost else YES


async def expiry(ground: Ground) -> str:
    """A message that expires while its reader is away does not come any more, and the others do."""
    if ground.version is not V5:
        return NOT_HERE
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.MessageExpiryInterval = EXPIRY
    async with ground.peer("expiry", lasting=True) as mine:
        await mine.subscribe("expiry/topic")
    async with ground.peer("expiry-other") as other:
        await other.publish("expiry/topic", b"short-lived", properties=properties)
        await asyncio.sleep(2 * EXPIRY + 0.1)  # the message's own time; brokers count whole seconds
        await other.publish("expiry/topic", b"lasting")
    async with ground.peer("expiry", lasting=True) as mine:
        mine.resume("expiry/topic")
        came = [bytes(each.payload) for each in await mine.messages(1, ground.patience)]
    return YES if came == [b"lasting"] else NO


async def shared(ground: Ground) -> str:
    """Each message of a shared subscription goes to one of its members, and each member has some."""
    async with ground.peer("shared-1") as one, ground.peer("shared-2") as two, ground.peer("shared-other") as other:
        try:
            reasons = [await member.subscribe(f"{SHARE}shared/topic") for member in (one, two)]
        except Unanswered:
            return "ends the connection"
        if max(reasons) >= REFUSED:
            return f"refused with 0x{max(reasons):X}"
        with suppress(TimeoutError, Unanswered):  # amqtt ends connections over this now and then
            await other.publish("shared/topic", *_numbers())
            await until(lambda: len(one.waiting) + len(two.waiting) >= MANY, within=ground.patience)
        parts = len(one.waiting), len(two.waiting)
    return YES if sum(parts) == MANY and all(parts) else NOT_DONE


async def large(ground: Ground) -> str:
    """A payload of 64 KiB goes through."""
    async with ground.peer("large") as mine, ground.peer("large-other") as other:
        await mine.subscribe("large/topic")
        try:
            await other.publish("large/topic", bytes(LARGE))
        except Unanswered:
            return NO
        came = await mine.messages(1, ground.patience)
    return YES if came and len(came[0].payload) == LARGE else NO


async def order(ground: Ground) -> str:
    """Messages come in the order in which they were published."""
    async with ground.peer("order") as mine, ground.peer("order-other") as other:
        await mine.subscribe("order/topic")
        await other.publish("order/topic", *_numbers())
        came = [bytes(each.payload) for each in await mine.messages(MANY, ground.patience)]
    return YES if came == _numbers() else NO


QUESTIONS: Final[Mapping[str, Callable[[Ground], Awaitable[Answer]]]] = {
    "QoS 1 messages wait while the bridge is away": away,
    "and over a restart of the broker": away_restart,
    "what was not acknowledged comes again": unacknowledged,
    "messages in order": order,
    "payloads of 64 KiB": large,
    "retained, asked for by its very topic": retained_exact,
    "retained, asked for by wildcards": retained_wildcard,
    "retained, after a restart of the broker": retained_restart,
    "retained, taken away by an empty payload": retained_emptied,
    "retained, given to nobody who did not ask": retained_asked,
    "told that a new message is retained": retained_told,
    "last will, retained": will,
    "Response Topic, Correlation Data, user properties": responses,
    "Message Expiry": expiry,
    "shared subscriptions": shared,
}
