"""A PDN context that is refused, or never comes up, against a scripted module on virtual time."""

from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.modem.recovery import RecoveryStep
from tests.bridge.modem.bench import HOUR, REATTACH, REBOOT, current, give_context, running, steps, without_context
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time


@on_virtual_time
async def test_apn_that_the_module_refuses() -> None:
    """An APN that can't be set is no reason to do without the network that there is."""
    module = ScriptedModule()
    module.answer("AT*MCGDEFCONT", "ERROR")
    async with running(module=module, apn="other") as bench:
        await bench.online()
        assert module.opened == 1
        assert module.heard.index("AT+CFUN=0") < module.heard.index("AT+CFUN=1")


@on_virtual_time
async def test_apn_that_the_network_rejects() -> None:
    """A context that can't be activated is an alert with the module's words, until it can be."""
    module = without_context(("+CME ERROR: 607",))
    async with running(module=module) as bench:
        await bench.until(lambda state: state.apn_problem is not None)
        assert current(bench) == {AlertId.APN_REJECTED}
        assert "APN" in alerts(bench.modem.store.state)[AlertId.APN_REJECTED].message
        give_context(module)
        await bench.online()
        assert current(bench) == set()


@on_virtual_time
async def test_activation_that_is_never_answered() -> None:
    """A module that says nothing to it and answers all else has refused it: every step is taken, and an alert is up."""
    module = without_context(SILENCE)
    async with running(module=module) as bench:
        await module.hears(REBOOT, within=HOUR)
        assert module.heard.count(REATTACH) == 3
        assert current(bench) == {AlertId.APN_REJECTED}
        message = alerts(bench.modem.store.state)[AlertId.APN_REJECTED].message
        assert "the module does not answer AT+CGACT=1,1" in message
        give_context(module)
        await bench.until(lambda state: state.online, within=HOUR)
        assert current(bench) == set()


@on_virtual_time
async def test_activation_whose_answer_is_lost() -> None:
    """A context that is on though nobody said so is used, in the same session and without an alert."""
    module = without_context(SILENCE)
    async with running(module=module) as bench:
        await module.hears("AT+CGACT=1,1")
        module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        await bench.until(lambda state: state.online, within=HOUR)
        assert module.opened == 1
        assert steps(bench) == {RecoveryStep.RESYNC: 1}
        assert not any(alerts(state) for state in bench.states if state.answering)


@on_virtual_time
async def test_context_that_never_comes_up() -> None:
    """Nobody refuses anything, and no address comes: that is an alert too, through every step, until one does."""
    module = without_context()
    async with running(module=module) as bench:
        await bench.until(lambda state: state.apn_problem is not None, within=HOUR)
        assert "the PDN context is off" in alerts(bench.modem.store.state)[AlertId.APN_REJECTED].message
        module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        await bench.until(lambda state: state.online, within=HOUR)
        assert current(bench) == set()
