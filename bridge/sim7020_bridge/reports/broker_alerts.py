"""What is wrong between a modem's client and the broker that a person can mend."""

from collections.abc import Sequence
from typing import Final

from sim7020_bridge.modem.alerts import Alert, AlertId
from sim7020_bridge.mqtt.standing import Trouble

NAMED: Final = 3
"""Topics that an alert names; of more it says how many."""

ENOUGH: Final = 4096
"""Bytes of a packet that the longest documents, and received messages in any encoding, fit in."""

LONGEST_NAME: Final = 200
"""Characters of a topic in an alert: whoever names Response Topics could think of any."""


def broker_alerts(trouble: Trouble, *, pools: bool) -> dict[AlertId, Alert]:
    """Return what a person can mend now; ``pools`` is whether a socket is to be in one."""
    found = {}
    if trouble.taken_over:
        told = f"Another client took over this modem's session at the broker, {trouble.taken_over} times in a row"
        guessed = (
            "The broker ends this modem's connections soon after they begin and does not say why, as when another "
            "client takes over"
        )
        found[AlertId.SESSION_TAKEN_OVER] = Alert(
            guessed if trouble.suspected else told,
            "Find the second bridge with the same modem name and base topic, perhaps on another machine, and stop it "
            "or give it another name. This one waits longer each time.",
        )
    if trouble.deaf_to:
        found[AlertId.SUBSCRIPTION_REFUSED] = Alert(
            f"The broker does not let the bridge listen to {_named(trouble.deaf_to)}",
            "Allow it in the broker's access rules; the bridge asks again by itself, after an hour at most.",
        )
    if trouble.forbidden:
        found[AlertId.TOPIC_FORBIDDEN] = Alert(
            f"The broker does not let the bridge publish to {_named(trouble.forbidden)}",
            "Allow it in the broker's access rules; what matters is kept until then. If it is a Response Topic where "
            "nobody should be answered, set mqtt.response_topics.",
        )
    lacking = [words for lacks, words in _lacking(trouble, pools=pools) if lacks]
    if lacking:
        found[AlertId.BROKER_LIMITED] = Alert(
            f"The broker lacks what the bridge relies on: {'; '.join(lacking)}",
            "Allow it in the broker's configuration, or use another broker.",
        )
    return found


def _lacking(trouble: Trouble, *, pools: bool) -> Sequence[tuple[bool, str]]:
    return (
        (pools and trouble.no_pools, "shared subscriptions, without which the members of a pool get no messages"),
        (trouble.no_retain, "retained messages, without which clients that connect later do not see the modem"),
        (
            trouble.wildcards is False,
            "retained messages for wildcards, which show a modem only once it changes",
        ),
        (
            trouble.longest is not None and trouble.longest < ENOUGH,
            f"packets of more than {trouble.longest} bytes, without which what is longer is not published",
        ),
        (trouble.no_session, "sessions with QoS 1, without which what is published while the bridge is away is lost"),
    )


def _named(topics: Sequence[str]) -> str:
    shown = [each if len(each) <= LONGEST_NAME else f"{each[:LONGEST_NAME]}..." for each in topics[:NAMED]]
    more = len(topics) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
