"""What a client does not get from its broker though it counts on it, for whoever can mend that."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sim7020_bridge.mqtt.arrival import Offers
from sim7020_bridge.mqtt.quarantine import Quarantine
from sim7020_bridge.mqtt.subscriptions import Subscriptions
from sim7020_bridge.mqtt.timing import ClientTiming
from sim7020_bridge.mqtt.topics import SHARED

FORGETFUL: Final = 3
"""Connections in a row at which a broker has forgotten the session: beyond, it is none that was restarted once."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a person can mend.

    Args:
        taken_over: How often in a row another client took over the session, or seems to have.
        suspected: Whether that is only a guess: the broker ends connections soon, and does not say why.
        deaf_to: Topic filters that the broker does not let the client listen to.
        no_pools: The broker deals nothing out, so that a modem can be in no pool.
        no_retain: The broker keeps no retained messages.
        no_session: The broker keeps nothing for a client that is away.
        wildcards: Whether the broker gives what it retains to subscriptions with wildcards; None if that is not known.
        longest: Bytes of the longest packet that the broker takes; None if it does not say.
        kept: Seconds for which it keeps a session, if that is not what it was asked for.
        forbidden: Topics that the broker does not let the client publish to.
        aside: How many publications are kept for these.
    """

    taken_over: int = 0
    suspected: bool = False
    deaf_to: tuple[str, ...] = ()
    no_pools: bool = False
    no_retain: bool = False
    no_session: bool = False
    wildcards: bool | None = None
    longest: int | None = None
    kept: int | None = None
    forbidden: tuple[str, ...] = ()
    aside: int = 0


class Standing:
    """Whether a client is alone with its session, and what its broker offers.

    Args:
        changed: Called when that is different.
        timing: The durations.
    """

    def __init__(self, changed: Callable[[], None], *, timing: ClientTiming) -> None:
        self._changed = changed
        self._timing = timing
        self._peace: asyncio.TimerHandle | None = None
        self._forgotten = 0
        self.offers = Offers()
        self.takeovers = 0
        """How often in a row another client took over the session, or seems to have."""
        self.suspected = False
        """Whether the last time is only a guess."""

    def connected(self, offers: Offers, *, forgotten: bool = False) -> None:
        """Note a new connection; if it lasts, nobody fights for the session any more.

        ``forgotten`` is whether the broker knows nothing of the session that it had for the client before.
        """
        self.offers = offers
        self._forgotten = self._forgotten + 1 if forgotten else 0
        if self.takeovers:
            lasting = 4 * self._timing.longest_back(self.takeovers)
            self._peace = asyncio.get_running_loop().call_later(lasting, self._at_peace)
        self._changed()

    def disconnected(self, *, taken_over: bool, suspected: bool = False) -> None:
        """Note the end of a connection, and whether another client has the session now, or seems to have."""
        if self._peace is not None:
            self._peace.cancel()
            self._peace = None
        if taken_over or suspected:
            self.takeovers += 1
            self.suspected = not taken_over
            self._changed()

    def trouble(self, subscriptions: Subscriptions, quarantine: Quarantine, *, wildcards: bool | None) -> Trouble:
        """Return this with what else a person can mend."""
        refused = subscriptions.refused
        return Trouble(
            taken_over=self.takeovers,
            suspected=self.suspected and self.takeovers > 0,
            deaf_to=tuple(each for each in refused if not each.startswith(SHARED)),
            no_pools=not self.offers.shared or any(each.startswith(SHARED) for each in refused),
            no_retain=not self.offers.retain,
            no_session=self.offers.session_expiry == 0
            or not self.offers.qos_1
            or subscriptions.unassured
            or self._forgotten >= FORGETFUL,
            wildcards=wildcards if self.offers.wildcards else False,
            longest=self.offers.max_packet,
            kept=self.offers.session_expiry,
            forbidden=quarantine.forbidden,
            aside=quarantine.aside,
        )

    def _at_peace(self) -> None:
        self._peace = None
        self.takeovers = 0
        self._changed()
