"""A module that saves power is woken for what waits."""

import asyncio
import logging
from typing import Final

from sim7020_bridge.delivery.router import Router
from sim7020_bridge.errors import RequestRefused
from sim7020_bridge.modem.backoff import Backoff
from sim7020_bridge.modem.modem import Modem

log: Final = logging.getLogger(__name__)

FIRST_WAIT: Final = 30.0
"""Seconds after a press until the next one; doubled for each that brought no message out."""

LAST_WAIT: Final = 1800.0
"""Longest such wait."""


async def wake_for_messages(modem: Modem, router: Router) -> None:
    """Wake the module as soon as a message waits that may go, at once if it was not to sleep; until cancelled.

    A press may be lost, and a module that woke may take nothing: it is then pressed again after waits that grow until
    a message goes out.
    """
    now = asyncio.get_running_loop().time
    waits, due, taken = Backoff(FIRST_WAIT, LAST_WAIT), now(), router.taken
    while True:
        await modem.store.until(lambda state: bool(state.sleeping))
        if router.taken != taken:
            due, taken = now(), router.taken
            waits.reset()
        if now() < due:
            await modem.store.until(lambda state: not state.sleeping, within=due - now())
            continue
        if modem.settings.power_saving is not None:
            await router.until_any_may_go()
        if not modem.store.state.sleeping:
            continue
        try:
            pressed = await modem.wake()
        except RequestRefused:
            pressed = True
        due = now() + (waits.next_wait() if pressed else FIRST_WAIT)
        if pressed and waits.failures == 2:  # noqa: PLR2004 - the first that is one again
            log.warning("the module was woken and no message went out; from now on it is woken after growing waits")
