"""One configured modem over the lifetime of the bridge: opens its port, and starts over whenever it breaks."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from sim7020_bridge.at.mark import Marks
from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.commands.packet import SetDefaultApn
from sim7020_bridge.commands.power import SleepReport
from sim7020_bridge.config.model import ModemSettings, PowerSavingSettings
from sim7020_bridge.errors import (
    BridgeError,
    LineError,
    LineOutOfSync,
    ModuleAsleep,
    ModuleRestarted,
    ModuleSilent,
    PortClosed,
    PortUnavailable,
    RequestRefused,
    StartOver,
)
from sim7020_bridge.modem.attaches import AttachMemory
from sim7020_bridge.modem.backoff import Backoff
from sim7020_bridge.modem.module import KeptApn, Module
from sim7020_bridge.modem.pdn import PdnDrops
from sim7020_bridge.modem.pin import PinMemory
from sim7020_bridge.modem.power_hook import PowerHook
from sim7020_bridge.modem.power_saving import Sleep, check_power_saving, set_power_saving
from sim7020_bridge.modem.problems import Held
from sim7020_bridge.modem.recovery import Plan, Recovery, RecoveryStep, Trouble
from sim7020_bridge.modem.refusals import Refusals
from sim7020_bridge.modem.restarts import Restarts
from sim7020_bridge.modem.session import Session
from sim7020_bridge.modem.set_up import change_apn
from sim7020_bridge.modem.socket import ModemSocket
from sim7020_bridge.modem.sockets import Sockets
from sim7020_bridge.modem.state import GONE, SHARED, ModuleLost, PortLost, PortOpened, Recovering
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.modem.timing import Timing
from sim7020_bridge.port.holders import other_holders
from sim7020_bridge.port.port import Port, has_own_rate, open_port

log: Final = logging.getLogger(__name__)

UNFINISHED: Final = 3
"""Sessions in a row that soon ended in silence, which are no accident: the module answers AT, and is of no use."""

FALLS_SILENT: Final = "it says OK to AT, and falls silent when more is asked of it"


class Modem:
    """A modem kept attached.

    Args:
        settings: The modem as configured.
        state_dir: Where it keeps what must survive a restart.
        on_socket: Called after each change of a socket's state.
        on_data: Called with what came from the network; must not block or raise.
        power: The user's power hook, if there is one.
        timing: Its durations.
        clock: For the times in its state.
    """

    def __init__(
        self,
        settings: ModemSettings,
        *,
        state_dir: Path,
        on_socket: Callable[[ModemSocket], None],
        on_data: Callable[[ModemSocket, bytes], None],
        power: PowerHook | None = None,
        timing: Timing | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self.settings = settings
        self.store = StateStore(clock)
        self._timing = timing or Timing()
        self._power = power
        self._pressing = asyncio.Lock()
        self._recovery = Recovery(
            power=power is not None,
            ceiling=settings.recovery.attach_ceiling,
            budgets=self._timing.budgets,
            port_patience=self._timing.port_patience,
            day=self._timing.day,
            attached=self._attached,
            usable=lambda: power is not None and power.usable,
        )
        self._recalled = self._ended = False
        self._attaches = AttachMemory(state_dir / f"{settings.name}.attaches", clock)
        self._pins = PinMemory(state_dir / f"{settings.name}.pin")
        self._marks = Marks()
        self._apn = KeptApn()
        self._sleep = Sleep(self.store, settings.power_saving, self._timing)
        self.store.apply(settings.power_saving or PowerSavingSettings())
        self.sockets = Sockets(
            settings.sockets,
            power_saving=settings.power_saving,
            refusals=Refusals(self.store, self._timing.refused_patience),
            make=partial(
                ModemSocket, store=self.store, on_change=on_socket, on_data=on_data, timing=self._timing, clock=clock
            ),
        )
        self._hasty = Backoff(self._timing.budgets[RecoveryStep.REOPEN].last, self._timing.hasty_last)
        self._restarts = Restarts(self.store, self._recovery, self._timing)
        self._said = ""
        self._held: str | None = None
        self._unfinished = 0
        self._module: Module | None = None
        self._session: Session | None = None
        self._patience = self._timing.probe_within

    @property
    def module(self) -> Module:
        """The module, for a request.

        Raises:
            RequestRefused: ``modem_offline``: nobody there answers now.
        """
        if self._module is None:
            raise self._offline()
        return self._module

    async def run(self) -> None:
        """Keep the modem attached until cancelled."""
        try:
            await self._run()
        finally:
            self._restarts.close()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        self._recall()
        self._keep_attaches()
        while True:
            began = loop.time()
            self.store.apply(Held(None))
            try:
                await self._keep_attached()
            except BridgeError as error:
                _end_if_cancelled()
                lasted = loop.time() - began
                if lasted >= self._timing.restart_spacing and not self._unfinished:
                    # the module answered, or slept as agreed: one that is silent has less time
                    self._recovery.begin()
                pause = self._restarts.noticed() if isinstance(error, ModuleRestarted) else 0.0
                if isinstance(error, StartOver):
                    log.info("%s", error)
                    if error.power:
                        await self._press()
                elif isinstance(error, ModuleRestarted) and lasted >= self._timing.restart_spacing:
                    # one restart is met at once; a module that restarts again and again wants patience
                    log.info("%s", error)
                    await asyncio.sleep(pause)
                else:
                    await self._recover(error, least=pause)

    async def wake(self) -> bool:
        """Wake a module that saves power, where the power hook can; say whether it was used.

        Raises:
            RequestRefused: ``cannot_wake``: the hook failed, though it may have got as far as to press.
        """
        # a press takes its time, and one that comes before its end would switch the module off that it woke
        async with self._pressing:
            state, power = self.store.state, self._power
            if not (state.sleeping and state.port_open and power is not None and power.wakes and power.usable):
                return False
            if not self._sleep.reported and (self._session is None or await self._session.is_awake()):
                # it woke without a word, as for a paging window, or nobody can ask: PWRKEY would switch it off
                return False
            # whether this wakes it may go unheard, so that it is asked before the next press
            self._sleep.reported = False
            pressed = await power.press()
            if self._session is not None:
                self._session.ask_now()
            if not pressed:
                raise RequestRefused("cannot_wake", "the power hook failed; the bridge's log says how")
            return True

    async def reset(self) -> None:
        """Tell the module to reboot. Raises RequestRefused if there is none now, else what Session.reset raises."""
        if self._session is None or self._module is None:
            raise self._offline()
        await self._session.reset()

    def over_ceiling(self) -> str | None:
        """Say in words if an attach attempt that a user asks for, who is not held up, is more than the ceiling."""
        over = self._recovery.over(now=asyncio.get_running_loop().time())
        if over is None:
            return None
        log.warning("attaching on request anyway: %s", over)
        return f"{over}, and this was one more"

    def ended_by_a_person(self) -> None:
        """Note that the bridge is about to end because it was told to: who starts it again wants the modem attached."""
        self._ended = True
        self._recall()
        self._keep_attaches()

    def _recall(self) -> None:
        """Go on from the attach attempts of before, once: a bridge may be told to end before it has begun."""
        if not self._recalled:
            self._recalled = True
            now = asyncio.get_running_loop().time()
            attempts, ended = self._attaches.load()
            self._recovery.resume([now - ago for ago in attempts], restarted=ended)

    def _keep_attaches(self) -> None:
        now = asyncio.get_running_loop().time()
        self._attaches.keep([now - at for at in self._recovery.attempts(now=now)], ended=self._ended)

    def _attached(self) -> None:
        self._keep_attaches()
        self.store.on_attach()

    async def set_apn(self, apn: SetDefaultApn) -> None:
        """Use another APN than the configuration's, until the bridge is started again.

        Raises:
            RequestRefused: There is no modem now.
            CommandRefused: The module will not have it.
            ModuleSilent: It does not say whether it has it.
            LineError: The session is over.
        """
        module = self.module
        await change_apn(module, apn)
        self.settings = replace(
            self.settings, apn=apn.apn, apn_username=apn.user or None, apn_password=apn.password or None
        )
        module.settings = self.settings

    async def save_power(self, saving: PowerSavingSettings | None) -> None:
        """Use other power saving than the configuration's, until the bridge is started again.

        Raises:
            RequestRefused: The modem can't take it now.
            ValueError: That is no power saving that there is.
        """
        module = self.module
        check_power_saving(saving)
        self.settings = replace(self.settings, power_saving=saving)
        self.sockets.save_power(saving)
        self._sleep.saving = saving
        self.store.apply(saving or PowerSavingSettings())
        module.settings = self.settings
        await set_power_saving(module)

    async def _recover(self, error: BridgeError, *, least: float = 0.0) -> None:
        trouble, failure = Trouble.MODULE, self.store.state.port_failure
        if failure is not None and failure.code != SHARED:
            # who else has the port open may do no harm: a silent module is met as any other
            # nobody can hear whether a module that was to sleep has woken, and a press would switch it off
            missing = failure.code in {"missing", GONE} and not self._sleep.lasts
            trouble = Trouble.MISSING if missing else Trouble.PORT
        loop = asyncio.get_running_loop()
        plan = self._recovery.next(trouble, now=loop.time())
        # a server that hangs up at once has another client, or will have none
        wait, why = max(plan.wait, least), str(error)
        if self._unfinished >= UNFINISHED and plan.step is RecoveryStep.REOPEN:
            again = Backoff(
                self._timing.budgets[RecoveryStep.REOPEN].last, self._timing.restart_last, self._unfinished - UNFINISHED
            )
            wait = max(wait, again.next_wait())
        if failure is not None and failure.code == GONE:
            wait, why = max(wait, self._hasty.next_wait()), failure.reason
        level = logging.DEBUG if plan.again else logging.WARNING
        log.log(level, "%s next step: %s in %.1f s", f"{why}{'' if why.endswith('?') else ';'}", plan.step, wait)
        if plan.held != self._held:
            self._held = plan.held
            if plan.held is not None:
                log.warning("%s; %s", why, plan.held)
        await asyncio.sleep(wait)
        self._patience = self._timing.probe_within if plan.patience is None else plan.patience
        if plan.step is RecoveryStep.POWER:
            await self._press()
            return
        self._recovery.count(plan, now=loop.time())
        if not plan.again:
            self.store.apply(Recovering(plan.step))

    async def _press(self) -> None:
        """Use the power hook; it is a step once it was used."""
        async with self._pressing:
            used = self._power is not None and await self._power.press()
        now = asyncio.get_running_loop().time()
        if used:
            self._unfinished = min(self._unfinished, UNFINISHED)
            self._recovery.count(Plan(RecoveryStep.POWER, 0.0), now=now)
            self.store.apply(Recovering(RecoveryStep.POWER))
        else:
            self._recovery.missed(now=now)

    def _offline(self) -> RequestRefused:
        reason = self.store.state.link.reason or "it is starting"
        return RequestRefused("modem_offline", f"the modem can't take a request now: {reason}")

    async def _keep_attached(self) -> None:
        port = await self._open()
        try:
            # a module that sleeps keeps its port: to close one may drop DTR, which resets some boards
            while isinstance(error := await self._session_on(port), ModuleAsleep):
                _end_if_cancelled()
                log.info("%s", error)
            raise error
        finally:
            await port.aclose()

    async def _session_on(self, port: Port) -> BridgeError:
        """Have a session, learn why it ended, and return the one error that says it best."""
        session = Session(
            port,
            settings=self.settings,
            store=self.store,
            sockets=self.sockets,
            recovery=self._recovery,
            pins=self._pins,
            sleep=self._sleep,
            marks=self._marks,
            apn=self._apn,
            timing=self._timing,
            patience=min(self._patience, self._timing.probe_within),
        )
        session.module.on_transmit = self._restarts.transmits
        now = asyncio.get_running_loop().time
        session.module.must_wait = lambda: self._recovery.must_wait(now=now())
        session.module.may_command = lambda: self._recovery.command(now=now())
        self._session = session
        try:
            await session.run(self._ready)
        except BaseExceptionGroup as errors:
            # not except*: Python 3.11.2 wraps what is raised inside it in one more group
            ours, others = errors.split(BridgeError)
            if ours is None or others is not None:
                raise
            return self._note_end(min(_leaves(ours), key=_precedence), session)
        finally:
            self._module = self._session = None

    async def _open(self) -> Port:
        try:
            port = await open_port(self.settings.port, self.settings.baudrate)
        except PortUnavailable as unavailable:
            self.store.apply(PortLost(unavailable.detail, unavailable.reason))
            raise
        if self.store.state.sleeping:
            # a window may have passed while nobody could hear it
            self._sleep.renew()
        name = self.settings.port
        self.store.apply(PortOpened(name, None if has_own_rate(name) else self.settings.baudrate))
        return port

    def _ready(self, module: Module) -> None:
        self._module = module
        self._said = ""
        self._hasty.reset()
        log.info("the module answers")

    def _note_end(self, error: BridgeError, session: Session) -> BridgeError:
        """Learn why a session ended; silence is no fault of a module that may sleep, or that others listen to."""
        answering = self.store.state.answering
        if answering:
            # a line may give back what is sent to a module that sleeps
            if isinstance(error, LineOutOfSync | PortClosed) or (isinstance(error, ModuleRestarted) and error.echo):
                self._sleep.begin()
            else:
                self._sleep.end()
        self._count_unfinished(error, session)
        silent = (isinstance(error, ModuleSilent) and not answering) or self._unfinished >= UNFINISHED
        failure = self.store.state.port_failure
        # of one that never answered, who else has its port open is not the likely cause
        heard_before = answering or (failure is not None and failure.code == SHARED)
        fell_silent = heard_before and isinstance(error, ModuleSilent | LineOutOfSync)
        if isinstance(error, ModuleAsleep):
            return error
        if isinstance(error, PortClosed):
            # what was said to that is the reason; what the system makes of the end differs from time to time
            # a server may say so in other words each time, as with the time of day
            self._said = self._said or session.heard
            went = f"{self.settings.port} went away: {self._said}"
            self.store.apply(PortLost(went if self._said else str(error)))
        elif (silent or isinstance(error, LineOutOfSync)) and self._sleep.lasts:
            if self.store.state.attached:
                self._recovery.drops = 0  # the context lasted for as long as it was needed
                self.store.apply(PdnDrops(0))
            self.store.apply(SleepReport(entered=True))
            return ModuleAsleep()
        elif fell_silent and (readers := other_holders(self.settings.port)):
            words = f"{readers[0].words} has {self.settings.port} open, too, and may take what the module says"
            self.store.apply(PortLost(words, SHARED))
        else:
            restarted = isinstance(error, ModuleRestarted)
            heard = FALLS_SILENT if self._unfinished >= UNFINISHED else session.heard
            self.store.apply(
                ModuleLost(str(error), restarted=restarted, silent=silent, garbled=session.garbled, heard=heard)
            )
        return error

    def _count_unfinished(self, error: BridgeError, session: Session) -> None:
        """Count a session whose module answered AT and soon fell silent; one that was of use ends the count."""
        if session.answered_at is None:
            return
        lasted = asyncio.get_running_loop().time() - session.answered_at
        of_use = self.store.state.attached or isinstance(error, ModuleAsleep)
        if of_use or lasted >= self._timing.registration_patience:
            self._unfinished = 0
        elif isinstance(error, ModuleSilent | LineOutOfSync) and not self._sleep.lasts:
            self._unfinished += 1


def _end_if_cancelled() -> None:
    """Let a cancellation through that came while a session was breaking: its TaskGroup tells of the break alone."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _leaves(errors: BaseExceptionGroup[BridgeError]) -> list[BridgeError]:
    found: list[BridgeError] = []
    for error in errors.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


def _precedence(error: BridgeError) -> int:
    order = (ModuleAsleep, StartOver, ModuleRestarted, PortClosed, LineError, ModuleSilent)
    return next((rank for rank, kind in enumerate(order) if isinstance(error, kind)), len(order))
