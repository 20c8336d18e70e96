"""A module that saves power is woken for what waits."""

from sim7020_bridge.delivery.router import Router
from sim7020_bridge.modem.modem import Modem


async def wake_for_messages(modem: Modem, router: Router) -> None:
    """Wake the module as soon as a message waits that may go, at once if it was not to sleep; until cancelled."""
    while True:
        await modem.store.until(lambda state: bool(state.sleeping))
        if modem.settings.power_saving is not None:
            await router.until_any_may_go()
        await modem.wake()
        await modem.store.until(lambda state: not state.sleeping)
