"""The module's clock: set by the network or, where that does not tell the time, by a time server."""

import asyncio
import logging
from typing import Final

from sim7020_bridge.commands.clock import ReportNetworkTime, SntpReport, StartSntp, StopSntp, UpdateClockFromNetwork
from sim7020_bridge.errors import CommandRefused, ModuleSilent
from sim7020_bridge.modem.data_cost import time_asked
from sim7020_bridge.modem.module import Module

log: Final = logging.getLogger(__name__)


async def follow_network_time(module: Module) -> None:
    """Have the module take the network's time and report it, which it does from its next restart on."""
    for setting in (UpdateClockFromNetwork(), ReportNetworkTime()):
        if not await module.has(setting) and await module.try_setting(setting):
            log.info("%s: in force when the module starts the next time", setting.line())


async def ask_time_server(module: Module, server: str) -> None:
    """Let the module set its clock by SNTP, and learn the time; what goes wrong is only logged.

    Raises:
        LineError: The session is over.
    """
    report = module.channel.expect(SntpReport)
    try:
        await module.execute(StartSntp(server))
        module.store.on_cost(time_asked())
        async with asyncio.timeout(module.timing.time_within):
            module.store.apply((await report).time)
    except TimeoutError:
        log.warning("the time server %s did not answer", server)
    except (CommandRefused, ModuleSilent) as error:
        log.warning("the time server %s can't be asked: %s", server, error)
    finally:
        report.cancel()
    await module.try_setting(StopSntp())
