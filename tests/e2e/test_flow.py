"""Section 4 of the TCP/IP note, the recommended flow: each step waits for its fact, and is told while it is awaited."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sim7020_bridge.config.model import ModemSettings, MqttSettings
from sim7020_bridge.modem.recovery import DEFAULT_BUDGETS, Budget, RecoveryStep
from sim7020_bridge.modem.timing import Timing
from sim7020_bridge.service.bridge import Bridge
from sim7020_emulator.module.models import MODELS
from sim7020_emulator.module.power import SupplyTrouble
from tests.e2e.here import module_here
from tests.e2e.servers import until
from tests.e2e.world import Modem, World, udp


async def test_a_slow_module_is_waited_for_and_a_quick_one_is_not(world: World) -> None:
    """A module that takes its time to boot, to read its SIM and to register is online as soon as it is ready."""
    emulator = await world.emulator("--set", "registration_time=4", speed="4")
    await world.bridge({"shed": {"port": emulator.place}})
    shed = world.modem("shed")
    await shed.state(lambda _: True)
    await shed.online()
    assert "AT+CFUN=0" not in emulator.commands()
    reasons = [heard.json()["link"]["layer"] for heard in world.mqtt.all(shed.topic("state"))]
    assert [layer for layer, before in zip(reasons, ["", *reasons], strict=False) if layer != before][-1] == "online"


@pytest.mark.parametrize(("rssi", "shown"), [("99", None), ("3", -104)])
async def test_weak_signal_then_good(world: World, rssi: str, shown: int | None) -> None:
    """Without a usable signal the radio is what is wrong; once it is there the module registers."""
    link = world.directory / "here"
    async with module_here(link, rssi=rssi, registration="searching") as module:
        await world.bridge({"shed": {"port": str(link)}})
        shed = world.modem("shed")
        state = await shed.state(
            lambda state: "antenna" in (state["link"]["reason"] or "") and state["signal"]["rssi"] == shown
        )
        assert state["link"]["layer"] == "radio"
        module.change_fact("rssi", "20")
        module.change_registration("home")
        assert (await shed.online())["registration"]["status"] == "home"


async def test_sim_comes_late(world: World) -> None:
    """A missing SIM is told; once it is put in the module attaches."""
    link = world.directory / "here"
    async with module_here(link, sim="absent") as module:
        await world.bridge({"shed": {"port": str(link)}})
        shed = world.modem("shed")
        state = await shed.state(lambda state: state["sim"]["status"] == "missing")
        assert state["link"]["layer"] == "sim"
        module.change_sim("ready")
        await shed.online()


async def test_sim_wants_its_pin(world: World) -> None:
    """A SIM that asks for its PIN is told as such, and nothing is tried on it."""
    emulator = await world.emulator("--set", "sim=pin")
    await world.bridge({"shed": {"port": emulator.place}})
    state = await world.modem("shed").state(lambda state: state["sim"]["status"] is not None)
    assert state["sim"]["status"] == "pin_required"
    assert not any(command.startswith("AT+CPIN=") for command in emulator.commands())


async def test_registration_comes_late(world: World) -> None:
    """A module that searches is told as such, and is online once the network takes it."""
    link = world.directory / "here"
    async with module_here(link, registration="searching") as module:
        await world.bridge({"shed": {"port": str(link)}})
        shed = world.modem("shed")
        state = await shed.state(lambda state: state["registration"]["status"] == "searching")
        assert state["link"]["layer"] in {"radio", "registration"}
        module.change_registration("roaming")
        assert (await shed.online())["registration"]["status"] == "roaming"


async def test_denied_registration_is_told(world: World) -> None:
    """A network that denies the SIM is told as such."""
    link = world.directory / "here"
    async with module_here(link, registration="denied:15"):
        await world.bridge({"shed": {"port": str(link)}})
        state = await world.modem("shed").state(lambda state: state["registration"]["status"] == "denied")
        assert state["link"]["layer"] == "registration"


async def test_lost_network_comes_back(world: World) -> None:
    """A module that is detached by the network tells it, waits, and carries on with what was queued meanwhile."""
    server = await world.udp()
    link = world.directory / "here"
    async with module_here(link) as module:
        shed = await world.shed(str(link), {"telemetry": udp(server.port)})
        module.leave_network(by_network=True)
        await shed.state(lambda state: state["link"]["layer"] != "online")
        await shed.socket("telemetry", lambda state: state["phase"] != "open")
        await shed.send("telemetry", b"kept", "m1")
        await shed.receipt("telemetry", "m1", "queued")
        module.attach()
        await shed.online()
        await server.has(b"kept")

        def kinds() -> list[str]:
            told = [heard.json()["type"] for heard in world.mqtt.all(shed.topic("event"))]
            return [kind for kind in told if kind != "recovering"]

        # the last one comes after the state that it is about
        await until(lambda: kinds()[2:] != [])
        assert kinds() == ["attached", "lost", "attached"]


async def test_lost_context_is_activated_again(world: World) -> None:
    """A PDN context that the network releases is activated again, and its sockets come back."""
    server = await world.udp()
    link = world.directory / "here"
    async with module_here(link) as module:
        shed = await world.shed(str(link), {"telemetry": udp(server.port)})
        module.deactivate(1, by_network=True)
        await shed.layer("pdn")
        await shed.online()
        await shed.open("telemetry")
        await shed.send("telemetry", b"again", "m1")
        await server.has(b"again")


async def test_module_that_powers_down_and_boots(world: World) -> None:
    """A supply that breaks in ends the session; when the module boots again, everything comes back by itself."""
    server = await world.udp()
    link = world.directory / "here"
    async with module_here(link) as module:
        shed = await world.shed(str(link), {"telemetry": udp(server.port)})
        module.supply(SupplyTrouble.UNDER_POWER_DOWN)
        await shed.layer("at")
        module.power_on()
        state = await shed.online()
        await shed.open("telemetry")
        assert state["counters"]["reboots"] == 1
        await shed.send("telemetry", b"again", "m1")
        await server.has(b"again")


@asynccontextmanager
async def hasty_bridge(world: World, port: str) -> AsyncIterator[Modem]:
    """Run a bridge in this process whose patience is short."""
    timing = Timing(
        sim_poll=0.05,
        sim_patience=0.3,
        registration_poll=0.05,
        registration_patience=0.3,
        pdn_poll=0.05,
        pdn_patience=0.3,
        radio_off=0.05,
        budgets={**DEFAULT_BUDGETS, RecoveryStep.REATTACH: Budget(tries=1000, first=0.1, last=0.4)},
    )
    mqtt = MqttSettings(world.broker.host, world.broker.port)
    bridge = Bridge(mqtt, ModemSettings("shed", port), state_dir=world.directory / "state", timing=timing)
    await bridge.open()
    running = asyncio.create_task(bridge.run())
    try:
        yield world.modem("shed")
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    world.check("shed")


async def test_radio_off_and_on_when_nothing_comes(world: World) -> None:
    """A module that will not register is started over with the radio off and on, ever more rarely, until it does."""
    link = world.directory / "here"
    async with module_here(link, registration="none") as module, hasty_bridge(world, str(link)) as shed:
        await shed.state(lambda state: state["counters"]["recoveries"]["reattach"] >= 3)
        module.change_registration("home")
        await shed.online()


async def test_context_that_does_not_come_is_asked_for(world: World) -> None:
    """A context that is off although the module is registered is activated with the note's own command."""
    link = world.directory / "here"
    async with module_here(link) as module:
        await until(lambda: module.packet.online)
        module.deactivate(1)
        async with hasty_bridge(world, str(link)) as shed:
            assert (await shed.online())["counters"]["recoveries"]["reattach"] == 0


@pytest.mark.parametrize("model", sorted(MODELS))
async def test_paced_line_at_the_models_rate(world: World, model: str) -> None:
    """At its own line rate each model attaches and carries a full payload both ways."""
    server = await world.udp(echo=True)
    emulator = await world.emulator("--model", model, "--variant", "boot=rdy", baud="115200")
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)})
    payload = bytes(range(256)) * 2
    await shed.send("telemetry", payload, "m1")
    await shed.received("telemetry", payload)
