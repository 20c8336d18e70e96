"""The data budget over days and billing periods, and what TCP is counted as, at the sockets themselves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from sim7020_bridge.config.model import DataBudgetSettings, ModemSettings, MqttSettings, SocketSettings, Transport
from sim7020_bridge.delivery import usage_record
from sim7020_bridge.service.bridge import Bridge
from tests.e2e.servers import until
from tests.e2e.world import Modem, World, tcp


class Calendar:
    """A wall clock to be set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 28, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@asynccontextmanager
async def running(bridge: Bridge) -> AsyncIterator[None]:
    """Run a bridge in this process."""
    await bridge.open()
    task = asyncio.create_task(bridge.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_days_and_billing_periods_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new day counts from nothing within the period; a new period lets go what the budget held back, untouched."""
    monkeypatch.setattr(usage_record, "DAY_LOOK", 0.05)
    server = await world.udp()
    emulator = await world.emulator()
    sockets = (SocketSettings("telemetry", Transport.UDP, "127.0.0.1", server.port),)
    settings = ModemSettings(
        name="shed", port=emulator.place, sockets=sockets, data_budget=DataBudgetSettings(bytes=300, first_day=30)
    )
    calendar = Calendar()
    mqtt = MqttSettings(world.broker.host, world.broker.port)
    shed = Modem(world.mqtt, "shed")
    async with running(Bridge(mqtt, settings, state_dir=world.directory / "state", clock=calendar)):
        await shed.open("telemetry")
        await shed.send("telemetry", bytes(72), "m1")
        await shed.state(lambda state: state["usage"]["today"]["up"] == 100)
        calendar.now = datetime(2026, 11, 29, 0, 0, 1, tzinfo=UTC)
        turned = await shed.state(lambda state: state["usage"]["today"]["up"] == 0)
        assert turned["usage"]["period"]["up"] == 100
        await shed.send("telemetry", bytes(172), "m2")
        used_up = await shed.state(lambda state: state["usage"]["today"]["up"] == 200)
        assert (used_up["usage"]["period"]["up"], used_up["usage"]["left"]) == (300, 0)
        await world.mqtt.now(shed.topic("alert/data_budget"), lambda heard: bool(heard.payload))
        await shed.send("telemetry", b"waits", "m3")
        await shed.receipt("telemetry", "m3", "queued")
        assert len(server.datagrams) == 2
        calendar.now = datetime(2026, 11, 30, 0, 0, 1, tzinfo=UTC)
        await world.mqtt.now(shed.topic("alert/data_budget"), lambda heard: not heard.payload)
        await shed.receipt("telemetry", "m3", "accepted")
        fresh = await shed.state(lambda state: state["usage"]["today"]["up"] == 33)
        assert (fresh["usage"]["period"]["up"], fresh["usage"]["left"]) == (33, 267)
        assert [len(datagram) for datagram in server.datagrams] == [72, 172, 5]


@pytest.mark.usefixtures("same_day")
async def test_tcp_is_counted_by_the_bytes_of_the_stream(world: World) -> None:
    """Without its headers, which are estimated for each piece, the count is what the peer's socket had, either way."""
    server = await world.tcp(echo=True)
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"control": tcp(server.port)})
    for number in range(20):
        await shed.send("control", bytes(1 + 97 * number), f"m{number}")
    await shed.receipt("control", "m19", "acknowledged")
    length = sum(1 + 97 * number for number in range(20))
    await until(lambda: len(server.stream) == length)
    socket = await shed.socket("control", lambda state: state["received"]["bytes"] == length)
    up = sum(command.startswith("AT+CSOSEND=") for command in emulator.commands())
    down = socket["received"]["messages"]
    handshake_up, handshake_down = 4 * 40 + 4, 3 * 40 + 4
    headers = 40 * (up + down)
    await shed.state(
        lambda state: (
            state["usage"]["today"]
            == {"up": handshake_up + headers + length, "down": handshake_down + headers + length}
        )
    )


async def test_a_budget_that_is_used_up_is_not_spent(world: World) -> None:
    """Nothing connects, pings or resolves any more, but for a message that is important enough."""
    emulator = await world.emulator()
    server = await world.tcp()
    settings = {"port": emulator.place, "sockets": {"control": tcp(server.port)}, "data_budget": {"bytes": 100_000}}
    await world.bridge({"shed": settings})
    shed = world.modem("shed")
    await shed.open("control")
    await shed.request("calibrate", used=100_000)
    await shed.send("control", b"waits", "m1")
    server.hang_up()
    await shed.socket("control", lambda state: state["phase"] != "open")
    for verb, body in (("ping", {"host": "127.0.0.1"}), ("resolve", {"name": "example.org"})):
        assert (await shed.request(verb, **body))["error"]["code"] == "budget_used_up"
    assert server.connections == 1
    assert not [line for line in emulator.commands() if line.startswith(("AT+CIPPING", "AT+CDNSGIP"))]
    await shed.send("control", b"urgent", "m2", user=(("priority", "critical"),))
    await shed.receipt("control", "m2", "acknowledged")
    assert server.connections == 2
    server.hang_up()
    await shed.socket("control", lambda state: state["phase"] != "open")
    await shed.request("calibrate", used=0)
    await shed.receipt("control", "m1", "acknowledged")
    assert server.connections == 3
