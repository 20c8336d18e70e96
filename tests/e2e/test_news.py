"""What a bridge that was killed knows of what it sent: the newest so often, and dead bands."""

from tests.e2e.world import World, udp


async def test_a_killed_bridge_knows_what_it_sent(world: World) -> None:
    """It leaves out what says nothing new, and holds back what comes too soon, as the one before would have."""
    changes, often = await world.udp(), await world.udp()
    emulator = await world.emulator()
    sockets = {
        "changes": udp(changes.port, payload="struct", pick=["t i16 0.1"], change=["t 0.5"]),
        "often": udp(often.port, every=86400),
    }
    bridge = await world.bridge({"shed": {"port": emulator.place, "sockets": sockets}})
    shed = world.modem("shed")
    await shed.open("changes", "often")
    await shed.send("changes", b'{"t": 20}', "c1")
    await shed.send("often", b"1", "o1")
    await shed.receipt("changes", "c1", "accepted")
    await shed.receipt("often", "o1", "accepted")
    await bridge.kill()
    await world.bridge({"shed": {"port": emulator.place, "sockets": sockets}})
    await shed.open("changes", "often")
    await shed.send("changes", b'{"t": 20.5}', "c2")
    assert (await shed.receipt("changes", "c2", "superseded"))["error"]["code"] == "unchanged"
    await shed.send("changes", b'{"t": 20.6}', "c3")
    await shed.receipt("changes", "c3", "accepted")
    await changes.has(bytes.fromhex("00c8"), bytes.fromhex("00ce"))
    await shed.send("often", b"2", "o2")
    await shed.send("often", b"3", "o3")
    await shed.receipt("often", "o2", "superseded")
    await shed.send("often", b"!", "o4", user=(("priority", "high"),))
    await shed.receipt("often", "o4", "accepted")
    await often.has(b"1", b"!")
    await shed.request("outbox", action="cancel", id="o3")
