"""From a module that answers to an active PDN context, as the note's flow chart (TCP/IP note section 4).

The steps are a table that the session and ``probe`` walk, each in its way. Where the note waits for a time, this waits
for the fact: a module that is ready after two seconds is not kept waiting for ten.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from sim7020_bridge.commands.packet import ActivateContext, Attach, DeactivateContext
from sim7020_bridge.commands.radio import Functionality, ReadFunctionality, ReadSignalQuality, SetFunctionality
from sim7020_bridge.commands.registration import (
    DEREGISTERED,
    MANUAL,
    ChooseOperator,
    ReadOperator,
    RegistrationStatus,
)
from sim7020_bridge.config.model import Billing
from sim7020_bridge.errors import CommandRefused, ModuleSilent
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.pdn import DEFAULT_CID
from sim7020_bridge.modem.pin import PinMemory, enter_pin
from sim7020_bridge.modem.problems import ApnProblem, PinProblem, RadioProblem, RegisterProblem
from sim7020_bridge.modem.readings import (
    read_network_wait,
    read_pdn,
    read_registration,
    read_sim,
    read_subscriber,
)
from sim7020_bridge.modem.state import ModemState, SimOverdue
from sim7020_bridge.modem.timing import Timing

log: Final = logging.getLogger(__name__)

Condition: TypeAlias = Callable[[ModemState], bool]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of bringing a modem up.

    Args:
        holds: Whether it is done.
        read: What to read to find out.
        pace: How long there is between two readings, should no URC come, and in all; in seconds.
        settled: When waiting ends, if not only when it is done: it wants more than time.
    """

    holds: Condition
    read: Callable[[Module], Awaitable[None]]
    pace: Callable[[Timing], tuple[float, float]]
    settled: Condition | None = None


async def _read_radio(module: Module) -> None:
    # whoever switches it off for a moment is waited for
    async with module.radio:
        await module.read(ReadFunctionality())


async def _read_network(module: Module) -> None:
    await module.read(ReadSignalQuality())
    await read_registration(module)


def _sim_is_ready(state: ModemState) -> bool:
    return state.sim is not None and state.sim.ready


def _sim_is_settled(state: ModemState) -> bool:
    """Whether the SIM is ready, or waits for something that only a person or a PIN can give."""
    return state.sim is not None and (state.sim.ready or state.sim.pin_required or state.sim.puk_required)


def is_withheld(state: ModemState) -> bool:
    """Whether the module found its cell and waits for the command to attach (+CEREG: 100)."""
    return state.registration is not None and state.registration.status == RegistrationStatus.WITHHELD


REFUSED_OFTEN: Final = 3
"""Refused commands to attach in a session from which on a person is told: the module may only have begun."""

RADIO: Final = Step(lambda state: state.functionality is Functionality.FULL, _read_radio, lambda _: (0.0, 0.0))
SIM: Final = Step(_sim_is_ready, read_sim, lambda timing: (timing.sim_poll, timing.sim_patience), _sim_is_settled)
REGISTRATION: Final = Step(
    lambda state: state.registered,
    _read_network,
    lambda timing: (timing.registration_poll, timing.registration_patience),
    # a SIM wants its PIN again when its radio was off meanwhile
    lambda state: state.registered or state.pin_wanted,
)
PDN: Final = Step(
    # it may be down because the user wants it so
    lambda state: state.pdn.usable or not state.pdn.wanted,
    read_pdn,
    lambda timing: (timing.pdn_poll, timing.pdn_patience),
)


async def reach(
    module: Module,
    step: Step,
    *,
    settled: Condition | None = None,
    patience: float | None = None,
    hopeless: Callable[[], Awaitable[bool]] | None = None,
) -> bool:
    """Read again and again until a step is settled; a URC that settles it ends the wait at once.

    Args:
        module: The module.
        step: The step.
        settled: When to stop waiting, if that is something else than usual.
        patience: How long to wait, in seconds, if that is something else than usual.
        hopeless: Asked after each reading whether there is any use in waiting.

    Returns:
        Whether the step holds.
    """
    loop, store = asyncio.get_running_loop(), module.store
    every, usual = step.pace(module.timing)
    end = loop.time() + (usual if patience is None else patience)
    enough = settled or step.settled or step.holds
    while True:
        await step.read(module)
        if not enough(store.state) and (loop.time() >= end or (hopeless is not None and await hopeless())):
            return False
        if await store.until(enough, within=min(end - loop.time(), every)):
            return step.holds(store.state)


async def bring_up(module: Module, pins: PinMemory) -> bool:
    """Probe the note's steps once: radio, SIM, signal and registration, PDN context.

    Returns:
        True once the context is active (or is off because the user wants it so), False at the first step that
        does not come true in its time.
    """
    if not await reach(module, RADIO):
        if module.must_wait():
            await read_sim(module)
            return False
        problem = await _switch_on(module)
        if problem is not None:
            log.warning("the radio can't be switched on: %s", problem)
            module.store.apply(RadioProblem(problem))
            await read_sim(module)
            return False
    if not (await reach(module, SIM) or await _unlock(module, pins)):
        sim = module.store.state.sim
        if sim is None or sim.busy or sim.unclear:
            module.store.apply(SimOverdue())
        return False
    pins.unlocked()
    await read_subscriber(module)
    # the module that has just registered activates the context by itself, and is given the time for it
    patience = 0.0 if module.store.state.registered else module.timing.pdn_poll
    if not await _register(module):
        return False
    if not await reach(module, PDN, patience=patience):
        return await activate(module)
    if module.store.state.pdn.active and not module.store.state.pdn.wanted:
        # the module may have activated it by itself
        await module.try_setting(DeactivateContext(DEFAULT_CID))
    return True


async def cycle_radio(module: Module) -> None:
    """Radio off, a pause, radio on: the note's way to start attaching over (TCP/IP note section 4)."""
    async with module.radio:
        await switch_radio(module, Functionality.MINIMUM)
        await asyncio.sleep(module.timing.radio_off)
        await switch_radio(module, Functionality.FULL)


async def switch_radio(module: Module, level: Functionality) -> None:
    """Set the radio, and know it; ``module.radio`` must be held.

    Only a radio that was really switched on asks the network, and counts as an attach attempt.
    """
    try:
        await module.execute(SetFunctionality(level))
    except ModuleSilent:
        if level is Functionality.FULL and await module.ask(ReadFunctionality()) in {None, level}:
            module.on_attach()
        raise
    if level is Functionality.FULL:
        module.on_attach()
    module.store.apply(level)


async def _switch_on(module: Module) -> str | None:
    """Switch the radio on; say in words what is wrong if it stays off."""
    try:
        async with module.radio:
            await switch_radio(module, Functionality.FULL)
    except CommandRefused as refused:
        return refused.meaning or refused.result
    except ModuleSilent as silent:
        return None if await reach(module, RADIO) else f"the module does not answer {silent.command}"
    return None


async def _unlock(module: Module, pins: PinMemory) -> bool:
    """Give the SIM its PIN if it asks for one."""
    if not module.store.state.pin_wanted:
        return False
    pin = module.settings.pin
    problem = "none is configured" if pin is None else await enter_pin(module, pin, pins)
    if problem is not None:
        module.store.apply(PinProblem(problem))
        return False
    return await reach(module, SIM, settled=_sim_is_ready)


async def _register(module: Module) -> bool:
    """Wait for the network, in bad coverage for minutes; a module that withholds the attach is told to go on."""

    def settled(state: ModemState) -> bool:
        return state.registered or state.pin_wanted or is_withheld(state)

    billed = module.settings.data_budget.billing is Billing.SESSIONS
    patience = module.timing.spared_patience if billed else None
    if await reach(module, REGISTRATION, settled=settled, patience=patience, hopeless=_hopeless(module)):
        return True
    if not is_withheld(module.store.state):
        return not module.store.state.pin_wanted and await _choose_operator(module)
    if not module.may_command():
        return False
    try:
        await module.execute(Attach())
    except (CommandRefused, ModuleSilent) as error:
        log.warning("the module does not attach when told to: %s", error)
        module.attaches_refused += 1
        if module.attaches_refused >= REFUSED_OFTEN or isinstance(error, ModuleSilent):
            module.store.apply(RegisterProblem(f"it waits for the command to attach, and does not take it ({error})"))
        # it may do so by itself
        return await reach(module, REGISTRATION, patience=module.timing.idle_patience)
    return await reach(module, REGISTRATION, hopeless=_idle_for_long(module))


async def _choose_operator(module: Module) -> bool:
    """Undo what an earlier owner left: told not to register, the module keeps to it over restarts; say if it does now.

    An operator that was chosen stays: whoever chose it may have had a reason.
    """
    told = await module.ask(ReadOperator())
    problem: str | None = None
    if told is not None and told.mode == MANUAL:
        problem = "it was told to use one operator only (AT+COPS=1), and does not get in there"
    elif told is not None and told.mode == DEREGISTERED:
        problem = f"it was told not to (AT+COPS=2), and {await _have_it_register(module)}"
        told = await module.ask(ReadOperator())
        if module.store.state.registered or (told is not None and told.mode != DEREGISTERED):
            problem = None
    module.store.apply(RegisterProblem(problem))
    return module.store.state.registered


async def _have_it_register(module: Module) -> str:
    """Take back AT+COPS=2, once in a session; say in words why that does not help, if it does not."""
    if module.chose_operator:
        return "AT+COPS=0 did not change that"
    over = module.over_ceiling()
    if over is not None:
        return f"AT+COPS=0 waits: {over}"
    log.warning("the module was told not to register (AT+COPS=2); telling it to choose its operator")
    module.chose_operator = True
    words = "AT+COPS=0 did not change that"
    try:
        await module.execute(ChooseOperator())
        module.on_attach()
    except CommandRefused as refused:
        # it may do so by itself
        await reach(module, REGISTRATION, patience=module.timing.idle_patience)
        return f"refuses to again ({refused})"
    except ModuleSilent as silent:
        module.on_attach()
        words = f"does not say whether it does again ({silent})"
    await reach(module, REGISTRATION, hopeless=_idle_for_long(module))
    return words


def _hopeless(module: Module) -> Callable[[], Awaitable[bool]]:
    """Return whether to wait no more for a registration, where sessions are billed and there is more patience for that.

    A module that lost its network and still has its context may come back in the same data session, which to attach
    again would end. Nothing else is worth the patience.
    """
    loop = asyncio.get_running_loop()
    due = loop.time() + module.timing.registration_patience
    idle_for_long = _idle_for_long(module)

    async def hopeless() -> bool:
        state = module.store.state
        denied = state.registration is not None and state.registration.denied
        session = state.pdn.active and not denied
        return (loop.time() >= due and not session) or await idle_for_long()

    return hopeless


def _idle_for_long(module: Module) -> Callable[[], Awaitable[bool]]:
    """Return whether the module has not even tried to register for a while, though it could: the network detached it.

    One that was told for how long to stay away (T3346) comes back by itself. Without a signal it may only be out of
    coverage, and is asked, once, whether it was told not to register.
    """
    loop = asyncio.get_running_loop()
    idle_since = heard_since = loop.time()
    asked = module.chose_operator

    async def idle_for_long() -> bool:
        nonlocal idle_since, heard_since, asked
        now, state, patience = loop.time(), module.store.state, module.timing.idle_patience
        registration = state.registration
        if registration is None or registration.status != RegistrationStatus.NOT_REGISTERED:
            idle_since = heard_since = now
            return False
        if state.signal is None or not state.signal.usable:
            heard_since = now
            if asked or now - idle_since < patience:
                return False
            asked = True
            return await _told_not_to_register(module)
        if now - heard_since < patience * module.detachments.seen(now) or await read_network_wait(module):
            return False
        log.warning("the module is neither registered nor searching")
        module.detachments.met()
        return True

    return idle_for_long


async def _told_not_to_register(module: Module) -> bool:
    told = await module.ask(ReadOperator())
    return told is not None and told.mode == DEREGISTERED


async def activate(module: Module) -> bool:
    """Switch the context on, and say whether it is; one that is on and of no use is switched off first."""
    unanswered: str | None = None
    if module.store.state.pdn.active:
        await module.try_setting(DeactivateContext(DEFAULT_CID))
    try:
        await module.execute(ActivateContext(DEFAULT_CID))
    except CommandRefused as refused:
        log.warning("the PDN context can't be activated: %s", refused)
        module.store.apply(ApnProblem(refused.meaning or refused.result))
    except ModuleSilent as silent:
        log.warning("the PDN context can't be activated: %s", silent)
        # it may be on all the same
        unanswered = f"the module does not answer {silent.command}"
    if await reach(module, PDN):
        module.store.apply(ApnProblem(None))
        return True
    problem = module.store.state.pdn.lacks or unanswered
    if problem is not None:
        module.store.apply(ApnProblem(problem))
    return False
