"""What it takes a broker or another client long to do: to say nothing, and to take a session over again and again."""

import asyncio
import contextlib
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from sim7020_bridge.config.model import MqttProtocol
from tests.campaign.test_security import PROTOCOLS, guarded, said, sober
from tests.campaign.tricks import unprintable_in
from tests.e2e.servers import until
from tests.e2e.world import World


@PROTOCOLS
async def test_session_that_is_taken_over(world: World, protocol: MqttProtocol) -> None:
    """Somebody with the bridge's client identifier gets no war: the log tells, and the bridge waits."""
    modem = {"port": str(world.directory / "no-tty")}
    bridge = await world.bridge({"shed": modem}, protocol=str(protocol))
    name = "sim7020-bridge-shed"
    await until(said(bridge, "connected to the MQTT broker"))
    version = MQTTProtocolVersion.MQTTv5 if protocol is MqttProtocol.V5 else MQTTProtocolVersion.MQTTv311

    def clients() -> int:
        return world.broker.log.count(f" as {name}")

    async def more_than(before: int) -> None:
        await until(lambda: clients() > before)

    rounds = 0
    # over MQTT 3.1.1 a topic that was under way each time is suspected first
    while "is a second bridge running with the same modem name and base topic?" not in bridge.log:
        rounds += 1
        assert rounds <= 12
        before = clients()
        thief = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=version, reconnect_on_failure=False)
        await asyncio.to_thread(thief.connect, world.broker.host, world.broker.port)
        thief.loop_start()
        await more_than(before)
        thief.disconnect()
        await asyncio.to_thread(thief.loop_stop)
        thief._reset_sockets()
        # the bridge is back after a wait that grows
        await more_than(before + 1)
    assert bridge.log.count("connected to the MQTT broker") <= rounds + 2
    assert not unprintable_in(bridge.log)


async def test_a_broker_that_never_answers(tmp_path: Path) -> None:
    """A port that takes connections and says nothing is told as what it is; the modem is kept attached all the same."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _reader, writer: held.append(writer), "127.0.0.1", 0)
    async with guarded(tmp_path) as (world, _):
        emulator = await world.emulator()
        port = server.sockets[0].getsockname()[1]
        bridge = await world.bridge({"shed": {"port": emulator.place}}, port=port)
        await until(said(bridge, "it does not answer. Is it an MQTT broker"))
        assert "AT+CGCONTRDP" in emulator.commands()
        sober(bridge, lines=20)
        await bridge.stop()
    server.close()
    for writer in held:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
