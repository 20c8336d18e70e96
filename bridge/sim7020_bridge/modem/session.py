"""One open port: from the first AT until the line breaks."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NoReturn

from sim7020_bridge.at.channel import Channel
from sim7020_bridge.at.command import Echo, Urc
from sim7020_bridge.at.mark import Marks
from sim7020_bridge.commands import clock, identity, network, packet, power, radio, registration, sim, sockets
from sim7020_bridge.commands.registry import URCS, Greeting
from sim7020_bridge.commands.secrets import mask
from sim7020_bridge.config.model import ModemSettings
from sim7020_bridge.errors import CommandRefused, ModuleAsleep, ModuleRestarted, ModuleSilent, StartOver
from sim7020_bridge.modem.bring_up import activate, bring_up, cycle_radio, switch_radio
from sim7020_bridge.modem.conditions import cut_off, detached, has_forgotten, in_trouble, is_other, trouble_of, unlocked
from sim7020_bridge.modem.heard import Heard
from sim7020_bridge.modem.module import KeptApn, Module
from sim7020_bridge.modem.pdn import DEFAULT_CID, PdnDrops
from sim7020_bridge.modem.pin import PinMemory
from sim7020_bridge.modem.power_saving import Sleep
from sim7020_bridge.modem.problems import ApnProblem, Held
from sim7020_bridge.modem.readings import read_all, read_network_wait, read_pdn, read_registration
from sim7020_bridge.modem.recovery import LEFT_ALONE, Plan, Recovery, RecoveryStep, Trouble
from sim7020_bridge.modem.set_up import greet, set_up
from sim7020_bridge.modem.sockets import Sockets
from sim7020_bridge.modem.state import Layer, ModemState, ModuleAnswered, Recovered, Recovering
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.modem.timing import Timing
from sim7020_bridge.port.port import Port

log: Final = logging.getLogger(__name__)

LATE_GREETING: Final = "SMS Ready"
"""Comes seconds after the other greetings, when the module may have been set up already: no sign of a restart."""


@dataclass(eq=False, repr=False)
class Session:
    """A port's owner while it is open.

    Args:
        port: The open port; whoever opened it closes it.
        settings: The modem.
        store: Where all that is learnt goes.
        sockets: The modem's sockets, to be kept open.
        recovery: What to try when attaching fails; it outlives the session.
        pins: Which PIN must not be tried again.
        sleep: How long the module may be silent; it outlives the session.
        marks: What proves the line; they outlive the session, and so may an answer.
        apn: Which APN was set.
        timing: Its durations.
        patience: How long the module may stay silent at first, in seconds.
    """

    port: Port
    settings: ModemSettings
    store: StateStore
    sockets: Sockets
    recovery: Recovery
    pins: PinMemory
    sleep: Sleep
    marks: Marks
    apn: KeptApn
    timing: Timing
    patience: float

    def __post_init__(self) -> None:
        self._channel = Channel(
            self.port,
            urcs=URCS,
            on_urc=self._take_urc,
            on_late=self.ask_now,
            on_resync=self._count_resync,
            mask=mask,
            marks=self.marks,
        )
        self._greeted = self._rebooting = False
        self._echoes = 0
        self._echo_is_off = True
        self._lost_at = -math.inf
        self._reset, self._booted = asyncio.Event(), asyncio.Event()
        self._heard = Heard()
        self._signs_of_life, self._answered, self._changed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.answered_at: float | None = None
        """When the module answered AT, by the event loop's time; None if it has not."""
        self._restarted: asyncio.Future[ModuleRestarted] = asyncio.get_running_loop().create_future()
        self._unread: set[Callable[[Module], Awaitable[object]]] = set()
        self.module = Module(self._channel, self.store, self.settings, self.timing, self.apn)
        self.module.detachments, self.module.release = self.recovery.detachments, self.sleep.release
        self.module.on_restart = self._restart
        self._now = now = asyncio.get_running_loop().time
        self.module.on_attach = lambda: self.recovery.attach(now=now())
        self.module.over_ceiling = lambda: self.recovery.over(now=now())

    @property
    def garbled(self) -> bool:
        """Whether garbage came, and less that makes sense: the mark of a wrong baud rate."""
        heard = self._all_heard()
        return heard.garbage > heard.texts and not self._greeted

    @property
    def heard(self) -> str:
        """What came instead of an answer and makes sense, in words; empty if nothing did, or the module answers."""
        channel = self._channel
        words = self._all_heard().words(acknowledged=channel.acknowledged, refused=channel.refused)
        return "" if self._greeted else words

    def _all_heard(self) -> Heard:
        heard = replace(self._heard)
        heard.count_text(self._channel.rest)
        return heard

    async def run(self, ready: Callable[[Module], None]) -> NoReturn:
        """Bring the module up and keep it attached until the line breaks.

        Args:
            ready: Called once the module answers and is set up, so that requests can be made of it.

        Raises:
            ExceptionGroup: With the LineError, ModuleSilent or other BridgeError that ended it.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._channel.run(), name="at channel")
            tasks.create_task(self._end_at_restart(), name="watch for a restart")
            if not await self._wake_up():
                # a console takes each AT for a name or a password, and may bar whoever types too many
                every = self.timing.stranger_every if self.store.state.heard else self.timing.probe_every
                await self._channel.probe(every=every, within=self.patience)
            self._answered.set()
            self.answered_at = self._now()
            await greet(self.module)
            await self._hear_echoes()
            self._greeted = True
            await set_up(self.module)
            self.store.apply(ModuleAnswered())
            ready(self.module)
            tasks.create_task(self._end_at_sleep(), name="watch for sleep")
            tasks.create_task(self.sockets.keep_open(self.module), name="sockets")
            tasks.create_task(self._read_now_and_then(), name="readings")
            tasks.create_task(self._read_what_changed(), name="what changed")
            tasks.create_task(self._end_at_reset(), name="watch for a reset")
            if self.settings.time_server is not None:
                tasks.create_task(self.module.ask_time(self.settings.time_server), name="time server")
            await self._stay_attached()

    async def reset(self) -> None:
        """Tell the module to reboot; the session ends once it greets.

        Raises:
            CommandRefused: It won't.
            ModuleSilent: It does not say whether it will.
            LineError: The session is over.
        """
        self._rebooting = True
        try:
            await self.module.execute(radio.SetFunctionality(radio.Functionality.FULL, reset=True))
        except (CommandRefused, ModuleSilent) as error:
            self._rebooting = False
            if isinstance(error, ModuleSilent):
                self.module.on_attach()
            raise
        self.module.on_attach()
        self._reset.set()

    def ask_now(self) -> None:
        """Ask a module that sleeps now: it should be awake, or has answered what was asked before."""
        self._signs_of_life.set()

    async def is_awake(self) -> bool:
        """Ask a module that sleeps now, and say whether it answers all the same."""
        self.ask_now()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.timing.wake_within):
                await self._answered.wait()
        return self._answered.is_set()

    async def _hear_echoes(self) -> None:
        """Find out whether the module took ATE0: an echo that never ends is no sign of a restart."""
        before = self._echoes
        await self.module.try_setting(identity.VerboseResults())
        self._echo_is_off = self._echoes == before
        if not self._echo_is_off:
            log.warning("the module goes on echoing; a restart that it does not announce may go unnoticed")

    async def _end_at_reset(self) -> None:
        await self._reset.wait()
        # asked too early, a module that is about to reboot still answers
        with suppress(TimeoutError):
            async with asyncio.timeout(self.timing.greeting_wait):
                await self._booted.wait()
        raise StartOver("the module was told to reboot")

    async def _wake_up(self) -> bool:
        """While the module sleeps, wait for a sign of life, and ask now and then: the sign may have been missed.

        Say whether it slept and answers now.
        """
        pauses = self.sleep.pauses()
        while self.store.state.sleeping:
            if not self.sleep.lasts:
                log.warning("the module should have woken long ago")
                return False
            self._signs_of_life.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(pauses.next_wait()):
                    await self._signs_of_life.wait()
            with suppress(ModuleSilent):
                await self._channel.probe(every=self.timing.probe_every, within=self.timing.wake_within)
                self.sleep.renew()
                return True
        return False

    async def _end_at_restart(self) -> None:
        raise await self._restarted

    async def _end_at_sleep(self) -> None:
        await self.store.until(lambda state: bool(state.sleeping))
        if self.store.state.pdn.usable:
            self._count_drops(0)  # it lasted for as long as it was needed
        raise ModuleAsleep

    def _count_drops(self, times: int) -> None:
        self.recovery.drops = times
        self.store.apply(PdnDrops(times))

    async def _take_drop(self, lasted: float) -> None:
        """Leave a context alone that was lost soon, unless it was of use, or the registration goes with it."""
        if self.module.carried and lasted >= self.timing.context_of_use:
            self._count_drops(0)
            return
        wait, back = self.recovery.dropped(), lambda state: not cut_off(state)
        at_first = min(wait, self.timing.registration_poll)
        if await self.store.until(back, within=at_first) and not self.store.state.online:
            self.recovery.drops -= 1
        self._count_drops(self.recovery.drops)
        await self.store.until(back, within=wait - at_first)

    async def _stay_attached(self) -> NoReturn:
        while True:
            # a module that saves power may have refused all that it is asked by the time that it is found attached
            refused = self.store.state.refused
            while not await bring_up(self.module, self.pins):
                await self._recover()
            self.module.carried, up_since = False, self._now()
            # the step that helps a module that refuses its sockets is known once it takes them
            self.store.apply(Recovered(self.recovery.online() if self.store.state.refused.what is None else None))
            trouble = partial(in_trouble, refused)
            if not await self.store.until(trouble, within=self.timing.context_stable):
                self._count_drops(0)
                if self.store.state.held is None or not await self.store.until(trouble, within=self.timing.held_last):
                    self.store.apply(Held(None))
                    await self.store.until(trouble)
            elif cut_off(self.store.state):
                await self._take_drop(self._now() - up_since)
            if not detached(self.store.state) and self.store.state.refused.what is not None:
                await self._recover()

    async def _recover(self) -> None:
        """Take the next step of recovery, unless a person is needed or the link gets better while it waits."""
        state = self.store.state
        if state.pin_wanted and state.pin_problem is None:
            return  # its radio was off meanwhile: it has not been given its PIN yet
        if not unlocked(state):
            await self.store.until(unlocked, within=self.timing.locked_check)
            return
        if state.link.layer is Layer.PDN and state.apn_problem is None:
            # nobody refused anything: without this, no alert would say why nothing is sent
            self.store.apply(ApnProblem(state.link.reason))
        trouble, problem = trouble_of(state)
        network_wait = await read_network_wait(self.module)
        plan = self.recovery.next(trouble, now=self._now(), network_wait=network_wait)
        log.warning(
            "%s; next step: %s in %.0f s%s",
            problem,
            plan.step,
            plan.wait,
            f", for {plan.held}" if plan.held else "",
        )
        turn = await self._wait_for(plan, trouble, state)
        if turn is None:
            return
        plan = turn
        self.store.apply(Held(None))
        if plan.step is RecoveryStep.POWER:
            raise StartOver(f"next step: {plan.step}", power=True)  # counted once it was used
        self.recovery.count(plan, now=self._now())
        self.store.apply(Recovering(plan.step))
        match plan.step:
            case RecoveryStep.CONTEXT:
                # bringing it up switches it on again; a network that wants the last one kept has the module refuse
                if await self.module.try_setting(packet.DeactivateContext(DEFAULT_CID)):
                    self.store.apply((packet.ContextState(DEFAULT_CID, active=False),))
            case RecoveryStep.REATTACH:
                # a radio that can't be switched is tried to be switched on again, and then another step
                with suppress(CommandRefused, ModuleSilent):
                    await cycle_radio(self.module)
            case RecoveryStep.REBOOT:
                with suppress(CommandRefused):
                    await self.reset()
                    await asyncio.Event().wait()
            case _:
                raise StartOver(f"next step: {plan.step}")

    async def _wait_for(self, plan: Plan, trouble: Trouble, state: ModemState) -> Plan | None:
        """Wait for a step's turn; return the step to take then, or None if there is no need of it any more.

        What the network asked for is read again now and then: the line may have spoilt it, and it may be less by now.
        So is a radio tried that could not be switched on, which costs nothing, and a context, which is no attach.
        """
        began = self._now()
        due = began + plan.wait
        while True:
            self.store.apply(Held(plan.held))
            no_context = plan.held not in {None, LEFT_ALONE} and self.store.state.link.layer is Layer.PDN
            looks = plan.held == LEFT_ALONE or trouble is Trouble.RADIO
            every = self.timing.budgets[RecoveryStep.REATTACH].last if no_context else self.timing.refresh_every
            within = min(plan.wait, every) if looks or no_context else plan.wait
            if await self.store.until(lambda later: is_other(later, state), within=within):
                return None
            left = plan.wait - within
            if not left:
                return plan
            if trouble is Trouble.RADIO:
                with suppress(CommandRefused, ModuleSilent):
                    async with self.module.radio:
                        await switch_radio(self.module, radio.Functionality.FULL)
                    return None
                plan = replace(plan, wait=left)
                continue
            if no_context:
                if not self.store.state.pdn.wanted or await activate(self.module):
                    return None
                plan = replace(plan, wait=max(0.0, due - self._now()))
                continue
            left = min(left, await read_network_wait(self.module, unknown=left))
            plan = self.recovery.next(trouble, now=self._now(), network_wait=left)
            if plan.held is None:
                plan = replace(plan, wait=max(0.0, plan.wait + began - self._now()))

    async def _read_now_and_then(self) -> None:
        """Read what no URC tells, rarely, and after what waits for the line, unless that never ends.

        Operator and cell are forgotten with the registration, and read again as soon as it is back.
        """
        timing = self.timing
        while True:
            await self.store.until(lambda state: state.online)
            with suppress(TimeoutError):
                async with asyncio.timeout(timing.refresh_every):
                    await self._channel.until_idle()
            await read_all(self.module)
            await self.sockets.check_open(self.module)
            forgotten = partial(has_forgotten, self.store.state)
            await asyncio.sleep(timing.registration_poll)
            await self.store.until(forgotten, within=timing.refresh_every - timing.registration_poll)

    async def _read_what_changed(self) -> None:
        """Read what a URC says has changed without saying to what."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            unread, self._unread = self._unread, set()
            for read in unread:
                await read(self.module)
            await asyncio.sleep(self.timing.look_spacing)

    def _read_soon(self, read: Callable[[Module], Awaitable[object]]) -> None:
        self._unread.add(read)
        self._changed.set()

    def _take_urc(self, urc: Urc) -> None:
        self._signs_of_life.set()
        self.sleep.renew()
        if not self._greeted:
            self._heard.count(urc)
        match urc:
            case sockets.DataReceived() | sockets.DataAcknowledged() | sockets.SocketFailed():
                self.sockets.take_urc(urc)
            case network.PingReply():
                self.module.take_ping_reply(urc)
            case packet.PacketEvent():
                self._take_packet_event(urc)
            case Greeting(text) if self._greeted and text != LATE_GREETING:
                self._booted.set()
                self._restart(text)
            case Echo(text):
                self._echoes += 1
                if self._greeted and self._echo_is_off:
                    self._restart(mask(text), echo=True)
            case power.PoweredDown():
                self._restart("NORMAL POWER DOWN")
            case power.SupplyReport():
                self._take_supply_report(urc)
            case _:
                self._apply(urc)

    def _apply(self, urc: Urc) -> None:
        match urc:
            case power.SleepReport(entered):
                if entered:
                    self.sleep.begin(reported=True)
                self.store.apply(urc)
            case registration.RegistrationReport(domain) if domain != "+CEREG":
                # it may go with the EPS registration, and is none
                self._read_soon(read_registration)
            case (
                sim.SimReport(reading=fact)
                | radio.FunctionalityReport(fact)
                | registration.RegistrationReport(_, fact)
                | radio.SignalReport(fact)
            ):
                self.store.apply(fact)
            case radio.ConnectionReport(connected=False):
                self.module.release.released()
            case power.EdrxReport(fact) | clock.NetworkTimeReport(fact) if fact is not None:
                self.store.apply(fact)

    def _take_packet_event(self, event: packet.PacketEvent) -> None:
        if event.kind is packet.PacketEventKind.MODULE_ACTIVATED:
            # neither address nor APN are told
            self._read_soon(read_pdn)
        elif event.lost and event.cid in {None, DEFAULT_CID}:
            before, self._lost_at = self._lost_at, self._now()
            if self._lost_at - before < self.timing.loss_spacing:
                # what says so again and again is asked: its sockets would be opened anew each time
                self._read_soon(self.sockets.look_after_loss)
            else:
                self.store.apply((packet.ContextState(DEFAULT_CID, active=False),))

    def _take_supply_report(self, report: power.SupplyReport) -> None:
        self.store.apply(report)
        if report.power_down:
            self._restart(f"it switched itself off: the supply is too {'high' if report.over else 'low'}")

    def _count_resync(self) -> None:
        if self.sleep.allowed:
            log.info("no answer in time; the module may have fallen asleep")
        else:
            log.warning("no answer in time; sending AT until answers match their commands again")
            self.store.apply(Recovering(RecoveryStep.RESYNC))

    def _restart(self, evidence: str, *, echo: bool = False) -> None:
        if not self._rebooting and not self._restarted.done():
            self._restarted.set_result(ModuleRestarted(evidence, echo=echo))
