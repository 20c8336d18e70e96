"""The queue towards the broker with both its ends in a test's hands."""

import asyncio

from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.outgoing import OutgoingQueue
from sim7020_bridge.mqtt.quarantine import Outgoing, Quarantine
from sim7020_bridge.mqtt.timing import ClientTiming

NOT_AUTHORIZED, QUOTA, TOO_LARGE, PAYLOAD_INVALID = 0x87, 0x97, 0x95, 0x99


class Wire:
    """Notes what is sent, what became of what somebody waits for, and which topics are forbidden."""

    def __init__(self, *, max_waiting: int = 5) -> None:
        self.sent: list[bytes] = []
        self.too_large = {b"bad"}
        self.news = asyncio.Event()
        self.done: list[tuple[bytes, str]] = []
        self.forbidden: list[str] = []
        self.asides: list[int] = []
        self.quarantine = Quarantine(self.forbidden.append, self.changed, timing=ClientTiming())
        self.queue = OutgoingQueue(
            self.send, quarantine=self.quarantine, max_waiting=max_waiting, answer=ClientTiming().answer
        )

    def changed(self) -> None:
        """Note how much waits for what is forbidden."""
        self.asides.append(self.quarantine.aside)

    def send(self, outgoing: Outgoing) -> int | None:
        """Take one, and give up what is too large; its packet identifier is how many were sent with it."""
        if outgoing.publication.payload in self.too_large:
            outgoing.give_up(PayloadRefused("bad", "it is bad"))
            return None
        self.sent.append(outgoing.publication.payload)
        self.news.set()
        return len(self.sent)

    def put(self, payload: bytes, *, retain: bool = False, topic: str = "t", answer: bool = False) -> None:
        """Queue one that nobody waits for."""
        self.queue.put(Outgoing(Publication(topic=topic, payload=payload, retain=retain, answer=answer)))

    def keep(self, payload: bytes, *, topic: str = "t", answer: bool = False) -> Outgoing:
        """Queue one that somebody waits for."""
        outgoing = Outgoing(
            Publication(topic=topic, payload=payload, answer=answer),
            lambda refused: self.done.append((payload, str(refused or ""))),
        )
        self.queue.put(outgoing)
        return outgoing

    def hang_up(self, code: int | None = None) -> bool:
        """End the connection, as the broker does."""
        self.queue.close()
        return self.queue.interrupted(code)

    def hang_up_at(self, payload: bytes, code: int | None = None) -> int:
        """Connect, and be hung up on at a payload until it comes no more; return how many connections it took."""
        connections, answered = 0, len(self.sent)
        while True:
            self.queue.open(16)
            while answered < len(self.sent) and self.sent[answered] != payload:
                answered += 1
                self.queue.acknowledged(answered)
            if answered == len(self.sent):
                return connections
            connections += 1
            if self.hang_up(code):
                answered = len(self.sent)
