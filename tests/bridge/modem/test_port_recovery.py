"""A port that can't be opened or goes away, against a scripted module on virtual time."""

import asyncio
from collections.abc import Callable

import pytest

from sim7020_bridge.errors import PortClosed
from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.state import Layer
from tests.bridge.modem.bench import HOUR, becomes, current, now, running, steps
from tests.bridge.scripted_module import ScriptedModule, on_virtual_time


@pytest.mark.parametrize(
    ("reason", "alert"),
    [
        ("missing", AlertId.PORT_MISSING),
        ("refused", AlertId.PORT_MISSING),
        ("busy", AlertId.PORT_BUSY),
        ("not_permitted", AlertId.PORT_NOT_PERMITTED),
        ("unusable", AlertId.PORT_UNUSABLE),
    ],
)
@on_virtual_time
async def test_port_that_cannot_be_opened(reason: str, alert: AlertId) -> None:
    """A port that can't be opened is an alert with what to do, and is taken as soon as it can be."""
    async with running(absent=5000) as bench:
        bench.why_absent = reason
        await asyncio.sleep(600)
        assert current(bench) == {alert}
        assert steps(bench) == {RecoveryStep.REOPEN: 3}
        bench.absent = 0
        free = now()
        await bench.online()
        assert now() - free < 4
        await asyncio.sleep(1)
        assert current(bench) == set()
        assert bench.modem.store.state.recovered is RecoveryStep.REOPEN


@on_virtual_time
async def test_unplugged_and_plugged_in_again() -> None:
    """A port that goes and returns is picked up within two seconds and the module's own time."""
    async with running() as bench:
        await bench.online()
        bench.absent = 30
        bench.module.unplug()
        await bench.until(lambda state: state.link.layer is Layer.PORT)
        assert current(bench) == {AlertId.PORT_MISSING}
        await becomes(lambda: bench.absent == 0)
        back = now()
        await bench.online()
        assert now() - back < 3
        await asyncio.sleep(1)
        assert bench.modem.store.state.counters.recoveries == 1


class HangsUp(ScriptedModule):
    """A serial server that has another client."""

    busy = True

    def listen(self, heard: Callable[[bytes], None], gone: Callable[[PortClosed], None]) -> None:
        """Say so and hang up."""
        super().listen(heard, gone)
        if self.busy:
            self.say("Port already in use")
            self.unplug()


@on_virtual_time
async def test_port_that_goes_away_at_once() -> None:
    """It is opened ever more rarely; what was said is told, in one alert that holds until the module answers."""
    module = HangsUp()
    async with running(module=module, port="socket://192.0.2.1:3000") as bench:
        await asyncio.sleep(HOUR)
        assert module.opened < 200
        told = [alerts(state) for state in bench.states]
        raised = [AlertId.PORT_MISSING in found for found in told]
        assert raised == sorted(raised)
        assert len({str(found) for found in told if found}) == 1
        alert = told[-1][AlertId.PORT_MISSING]
        assert alert.message == "socket://192.0.2.1:3000 went away: it says 'Port already in use'"
        assert "another" in alert.advice or "other one" in alert.advice
        module.busy = False
        began = now()
        await bench.online()
        assert now() - began < 40
        assert current(bench) == set()
        module.unplug()
        await bench.until(lambda state: not state.port_open)
        began = now()
        await bench.until(lambda state: state.port_open)
        assert now() - began < 1
