"""The module as a whole: power, SIM, registration, PDN, sockets, sleep and clock, and what happens to each of them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from sim7020_emulator.firmware.profile import Profile
from sim7020_emulator.firmware.variants import Variants
from sim7020_emulator.module.clock import Clock, LocalTime, host_time, read_local_time
from sim7020_emulator.module.facts import Facts
from sim7020_emulator.module.models import Model
from sim7020_emulator.module.packet import DEFAULT_CID, Packet
from sim7020_emulator.module.place import Place
from sim7020_emulator.module.power import Power, SupplyTrouble
from sim7020_emulator.module.radio import Radio, Registration
from sim7020_emulator.module.saving import LightSleep
from sim7020_emulator.module.services import NetworkServices
from sim7020_emulator.module.sim import Sim
from sim7020_emulator.schedule import Schedule, Timer
from sim7020_emulator.sockets.bearer import Bearer
from sim7020_emulator.sockets.compatible import CompatibleStack
from sim7020_emulator.sockets.http import HttpClients
from sim7020_emulator.sockets.internet import Internet
from sim7020_emulator.sockets.table import Sockets


class Module:
    """One SIM7020 without its serial port; its reports go to ``on_report``, received bytes to ``on_data``."""

    def __init__(
        self, model: Model, facts: Facts, variants: Variants, internet: Internet, schedule: Schedule, *, rate: int
    ) -> None:
        self.model = model
        self.facts = facts
        self.variants = variants
        self.internet = internet
        self.schedule = schedule
        self.profile = Profile(rate)
        self._power = Power.OFF
        self.supplied = True
        self.on_report: Callable[[str], None] = lambda _: None
        self.on_data: Callable[[bytes], None] = lambda _: None
        self.on_power: Callable[[], None] = lambda: None
        self.on_rate: Callable[[int], None] = lambda _: None
        self._watchers: list[Callable[[], None]] = []
        self.sim = Sim(facts)
        self.radio = Radio(facts, variants, self.profile, self.emit_urc)
        self.packet = Packet(facts, self.profile, self.emit_urc)
        self.radio.on_change = self.packet.on_change = self._changed
        self.clock = Clock(schedule, read_local_time(facts.clock))
        self.place = Place(schedule, facts, self.profile, self.radio, report=self.emit_urc)
        self.place.psm.may_enter, self.place.psm.enter = self._may_sleep, self._fall_asleep
        self.field, self.psm = self.place.field, self.place.psm
        self.light_sleep = LightSleep(schedule, self.profile)
        self.bearer = bearer = Bearer(
            schedule,
            internet,
            variants,
            online=lambda: self.packet.online,
            routes=self.packet.routes,
            reaches=lambda: self.radio.registered,
            active=self.traffic,
            field=self.field,
        )
        self.sockets = Sockets(
            bearer,
            self.profile,
            variants,
            report=self.emit_urc,
            active=self.traffic,
            close_code=lambda: facts.close_code,
        )
        self.compatible = CompatibleStack(
            schedule, bearer, internet, self.profile, variants, report=self.emit_urc, say=self._emit_data
        )
        self.http = HttpClients(bearer, internet, variants, report=self.emit_urc)
        self.services = NetworkServices(
            schedule,
            internet,
            report=self.emit_urc,
            online=lambda: self.online,
            active=self.traffic,
            time=self.network_time,
            set_clock=self.clock.set,
            field=self.field,
        )
        self._procedure: asyncio.Task[None] | None = None
        self._tau: Timer | None = None
        self._waking: asyncio.Task[None] | None = None
        self._back_off_until = 0.0
        self._silent_sleep = self._detached_asleep = False

    @property
    def power(self) -> Power:
        """Whether the module hears its AT port; each change is told to who watches."""
        return self._power

    @power.setter
    def power(self, power: Power) -> None:
        self._power = power
        self._changed()

    @property
    def online(self) -> bool:
        """Say whether the module is registered and has a PDN."""
        return self.radio.registered and self.packet.online

    def watch(self, seen: Callable[[], None]) -> None:
        """Call back after each change of power, registration or contexts, in the order of these calls."""
        self._watchers.append(seen)

    def emit_urc(self, text: str) -> None:
        """Say something unsolicited, unless the module is off or asleep, or passes data through."""
        if self.power is Power.ON and not self.compatible.transparent.passing:
            self.light_sleep.note()
            self.on_report(text)

    def power_on(self, *, attached: bool = False) -> None:
        """Start the module; with ``attached`` it is up, registered and has its PDN at once, without a word."""
        self.clock.begin()
        self._back_off_until = self.schedule.now() + self.facts.t3346
        if not attached:
            self._begin(self._start())
            return
        self.power = Power.ON
        self.sim.powered = True
        if self.sim.ready:
            self.radio.stat, self.radio.cause = self.radio.outcome()
            self.radio.cell_found = True
        if self.radio.registered:
            self.packet.activate(DEFAULT_CID)

    def press_pwrkey(self) -> None:
        """Pull PWRKEY low for 800 ms: starts a module that is off, wakes one in PSM, turns off one that runs."""
        match self.power:
            case Power.OFF:
                if self.supplied:
                    self.power_on()
            case Power.ASLEEP:
                self._wake()
            case Power.ON:
                self.emit_urc("NORMAL POWER DOWN")
                self.power_off()
            case Power.STARTING:
                return

    def power_off(self) -> None:
        """Go silent; everything that a reset loses is lost."""
        self._shut_down()
        self.power = Power.OFF
        self.on_power()

    def restart(self, *, greets: bool = True) -> None:
        """Reset: silence, then the boot sequence, which may be without a word."""
        self._shut_down()
        self.power = Power.STARTING
        self.on_power()
        self._begin(self._start(greets=greets))

    def fall_asleep(self) -> None:
        """Enter PSM now, whatever forbids it."""
        if self.power is Power.ON:
            self.psm.stop()
            self._fall_asleep(announced=True)

    def wake(self) -> None:
        """Leave PSM by itself, as when the periodic TAU is due."""
        if self.power is Power.ASLEEP:
            self._wake()

    async def set_function(self, function: int) -> None:
        """+CFUN: leave the network and power down what the level does without."""
        self._cancel_procedure()
        self.leave_network()
        self.profile.set("CFUN", function)
        self.radio.cell_found = False
        self.psm.stop()
        if function in {0, 7} and self.sim.powered:
            self.sim.powered = False
            self.sim.verified = False
            self.emit_urc("+CPIN: NOT READY")
        await self.schedule.pause(self.schedule.timing.radio_off)

    def set_full_function(self) -> None:
        """+CFUN=1; ``switch_radio_on`` carries it out."""
        self.profile.set("CFUN", 1)
        self.profile.apply_pending("DEFAULT_TYPE", "DEFAULT_APN", "DEFAULT_USER", "DEFAULT_PASSWORD")

    def switch_radio_on(self) -> None:
        """Power the SIM and look for the network; reports follow."""
        self._begin(self._radio_on())

    def change_fact(self, name: str, value: str) -> None:
        """Change a fact; a new signal is reported where +EXUNSOL asks for it."""
        before = self.radio.signal()
        self.facts.set(name, value)
        if self.profile.number("EXUNSOL") and self.radio.signal() != before:
            self.emit_urc(f"+CSQN: {self.radio.signal()}")

    def back_off(self) -> int:
        """Return the seconds that T3346 still runs."""
        return max(0, round(self._back_off_until - self.schedule.now()))

    def unlocked(self) -> None:
        """Go on after the PIN was accepted."""
        self._begin(self._unlocked())

    def inserted_line(self) -> str:
        """Compose +CSMINS, answer and report alike."""
        return f"+CSMINS: {self.profile.number('CSMINS')},{int(self.sim.inserted)}"

    def attach(self, *, by_user: bool = False) -> None:
        """Look for the network; takes its time."""
        if self.profile.number("CFUN") == 1 and self.sim.ready:
            self._begin(self._attach(by_user=by_user))

    def leave_network(self, *, by_network: bool = False) -> None:
        """Detach: sockets lose their bearer, the PDN goes, registration ends; a module that searches has both still."""
        self._cancel_procedure()
        self._bearer_lost()
        if self.radio.registered or self.packet.online:
            self.packet.detach(by_network=by_network)
        self.radio.change(Registration.IDLE)

    def start_back_off(self, seconds: float) -> None:
        """Be detached with T3346: no attach is tried before it has run out."""
        self._back_off_until = self.schedule.now() + seconds
        self.lose_network()

    def lose_network(self) -> None:
        """Be detached by the network, and search again; a module in deep sleep learns of it when it wakes."""
        self._detached_asleep = self.power is Power.ASLEEP
        if not self._detached_asleep:
            self.leave_network(by_network=True)
            self.attach()

    def change_registration(self, registration: str) -> None:
        """Let the network change its mind; ``registration`` as the fact of that name, for good."""
        self.facts.set("registration", registration)
        self._cancel_procedure()
        stat, cause = self.radio.outcome()
        if stat not in {Registration.SEARCHING, Registration.UNKNOWN}:
            self.radio.find_cell()
        if stat in {Registration.HOME, Registration.ROAMING}:
            self.packet.activate(DEFAULT_CID)
        elif stat not in {Registration.SEARCHING, Registration.UNKNOWN}:
            self._bearer_lost()
            self.packet.forget_addresses()
        self.radio.change(stat, cause)

    def change_sim(self, sim: str) -> None:
        """Put a SIM in or take it out; ``sim`` as the fact of that name."""
        self.facts.set("sim", sim)
        self.sim.verified = False
        if self.profile.number("CSMINS"):
            self.emit_urc(self.inserted_line())
        if self.power is not Power.ON or self.profile.number("CFUN") != 1:
            return
        if not self.sim.inserted or self.sim.failed:
            self.emit_urc(f"+CPIN: {self.sim.code()}")
            self.leave_network()
        else:
            self._begin(self._radio_on())

    def supply(self, trouble: SupplyTrouble) -> None:
        """Let the supply leave its range; beyond the outer limits the module turns itself off."""
        self.emit_urc(trouble.value)
        if trouble in {SupplyTrouble.UNDER_POWER_DOWN, SupplyTrouble.OVER_POWER_DOWN}:
            self.power_off()

    def deactivate(self, cid: int, *, by_network: bool = False) -> None:
        """Release a PDN context; with the last one the sockets lose their bearer."""
        self.packet.deactivate(cid, by_network=by_network)
        if not self.packet.online:
            self._bearer_lost()

    def traffic(self) -> None:
        """Note that something was sent or received over the air."""
        if self.field.on:  # it knows what goes over the air
            self.psm.check()
            return
        self.psm.traffic()
        self.profile.set("CNBIOTRAI", 0)

    def network_time(self) -> LocalTime:
        """Return what the network or a time server says the time is."""
        if self.facts.sntp_clock:
            return read_local_time(self.facts.sntp_clock)
        return host_time(self.facts.zone)

    def network_says_time(self, time: LocalTime) -> None:
        """Take the network's time (NITZ) and report it as +CTZU, +CTZR and +CLTS ask."""
        if self.profile.number("CTZU"):
            self.clock.set(time)
        if self.profile.number("CTZR"):
            self.emit_urc(f"+CTZV: {time.zone:+03d}")
        if self.profile.number("CLTS"):
            self.emit_urc(f"+CLTS: {time}")

    async def stop(self) -> None:
        """End everything."""
        self._shut_down()
        self.power = Power.OFF
        await self.schedule.stop()

    def _emit_data(self, data: bytes) -> None:
        if self.power is Power.ON:
            self.light_sleep.note()
            self.on_data(data)

    def _bearer_lost(self) -> None:
        self.sockets.bearer_lost()
        self.http.bearer_lost()
        self.compatible.bearer_lost()

    async def _start(self, *, greets: bool = True) -> None:
        self.power = Power.STARTING
        await self.schedule.pause(self.schedule.timing.start)
        self.power = Power.ON
        greets = greets and not self.variants.is_set("boot", "autobaud") and self.profile.number("IPR") != 0
        if greets:
            self.emit_urc("*MATREADY: 1" if self.variants.is_set("boot", "matready") else "RDY")
            self.emit_urc(f"+CFUN: {self.profile.number('CFUN')}")
        await self._radio_on(greets=greets, boot=True)

    async def _radio_on(self, *, greets: bool = True, boot: bool = False) -> None:
        began = self.schedule.now()
        await self.schedule.pause(self.schedule.timing.sim_ready)
        if self.profile.number("CFUN") != 1:
            return
        self.sim.powered = True
        if greets:
            self.emit_urc(f"+CPIN: {self.sim.code()}")
        if not self.sim.ready:
            return
        if boot and greets:
            await self.schedule.pause(self.schedule.timing.sms_ready)
            self.emit_urc("SMS Ready")
        await self._attach(spent=self.schedule.now() - began)

    async def _unlocked(self) -> None:
        self.emit_urc("+CPIN: READY")
        await self.schedule.pause(self.schedule.timing.sms_ready)
        self.emit_urc("SMS Ready")
        await self._attach()

    async def _attach(self, *, by_user: bool = False, spent: float = 0.0) -> None:
        if self.profile.number("COPS") == 2:  # noqa: PLR2004 (deregistered by the user)
            return
        stat, cause = self.radio.outcome()
        if stat is Registration.WITHHELD:
            stat = Registration.HOME if by_user else stat
        if self.radio.registered:
            return
        registered_after = self.field.attach_time(spent) or self.facts.registration_time
        found_after = min(self.facts.cell_time, registered_after)
        if self.back_off():
            await self.schedule.pause(found_after)
            self.radio.find_cell()
            await self.schedule.wait(self.back_off())
        self.radio.change(Registration.SEARCHING)
        await self.schedule.pause(found_after)
        self.radio.find_cell()
        await self.schedule.pause(registered_after - found_after)
        if stat not in {Registration.HOME, Registration.ROAMING}:
            self.radio.change(stat, cause)
            return
        if not self.packet.activate(DEFAULT_CID):
            self.radio.change(Registration.DENIED, 19)
            return
        self.radio.change(stat)
        self.network_says_time(self.network_time())
        if self.profile.number("CPSMS") == 1:
            self.psm.request()
        self.psm.traffic()

    def _may_sleep(self) -> bool:
        busy = self.sockets.open_tcp() or self.compatible.open_tcp() or self.http.open_tcp()
        return self.power is Power.ON and self.radio.registered and not busy

    def _fall_asleep(self, *, announced: bool = False) -> None:
        self._silent_sleep = not (announced or self.psm.announced)
        if self.profile.number("CPSMSTATUS") and not self._silent_sleep:
            self.emit_urc('+CPSMSTATUS: "ENTER PSM"')
        self._cancel_procedure()
        self.power = Power.ASLEEP
        keeps_sockets = self.profile.number("RETENTION") == 1
        self.sockets.forget(keep_udp=keeps_sockets)
        self.compatible.forget()
        self.http.forget()
        self.profile.load()
        self.profile.set("CNBIOTRAI", 0)
        if self.variants.is_set("csorcvflag_after_psm", "reset"):
            self.profile.set("CSORCVFLAG", 0)
        self.on_power()
        if lasts := self.psm.lasts:
            self._tau = self.schedule.timer(lasts, lambda: self._wake(by_timer=True))

    def _wake(self, *, by_timer: bool = False) -> None:
        if self._tau is not None:
            self._tau.cancel()
            self._tau = None
        # no procedure: what the network does meanwhile doesn't keep the module from waking
        if self._waking is None or self._waking.done():
            self._waking = self.schedule.start(self._wake_up(updates=by_timer and not self._silent_sleep), "wake")

    async def _wake_up(self, *, updates: bool) -> None:
        await self.schedule.pause(self.schedule.timing.wake)
        self.power = Power.ON
        if not self._silent_sleep:
            self.emit_urc(f"+CPIN: {self.sim.code()}")
            if self.profile.number("CPSMSTATUS"):
                self.emit_urc('+CPSMSTATUS: "EXIT PSM"')
        self.psm.woken()
        if self._detached_asleep:
            self.lose_network()
        elif updates:
            self.field.update()

    def _changed(self) -> None:
        self.place.follow(self.power)
        for seen in self._watchers:
            seen()

    def _shut_down(self) -> None:
        self._cancel_procedure()
        self.psm.stop()
        for wake in (self._tau, self._waking):
            if wake is not None:
                wake.cancel()
        self.services.forget()
        self.sockets.forget()
        self.compatible.forget()
        self.http.forget()
        self.packet.forget()
        self.radio.stat, self.radio.cause = Registration.IDLE, 0
        self.radio.cell_found = False
        self.sim.powered = self.sim.verified = False
        self._detached_asleep = False
        self.profile.restart()

    def _begin(self, procedure: Coroutine[Any, Any, None]) -> None:
        self._cancel_procedure()
        self._procedure = self.schedule.start(procedure, "module procedure")

    def _cancel_procedure(self) -> None:
        if self._procedure is not None and self._procedure is not asyncio.current_task():
            self._procedure.cancel()
        self._procedure = None
