"""A modem that was renamed or removed, and forgotten."""

import contextlib
from datetime import UTC, datetime

from sim7020_bridge.outbox import records
from sim7020_bridge.outbox.database import Database
from sim7020_bridge.outbox.message import Entry, Message, PendingKind, PendingPublication
from sim7020_bridge.outbox.shell import OutboxFile
from tests.e2e.service_kit import Configured, logged, shell
from tests.e2e.world import World, udp


async def test_a_modem_that_was_renamed(world: World) -> None:
    """What waits for it is named at each start; forget empties what is retained, its session, its messages."""
    service = Configured(world, str(world.directory / "no-tty"), {"telemetry": udp(9)})
    service.write()
    await world.add(service.bridge)  # the contract has no word for what was forgotten
    shed = world.modem("shed")
    await world.mqtt.now(shed.topic("availability"), lambda heard: heard.payload == b"online")
    await shed.send("telemetry", b"x", "m1")
    await shed.receipt("telemetry", "m1", "queued")
    command = ("forget", "shed", "--config", service.file)
    status, _, err = await shell(*command)
    assert (status, "is configured in" in err) == (2, True)
    service.tree["modems"] = {"barn": service.tree["modems"]["shed"]}
    service.write()
    status, _, err = await shell(*command)
    outbox = world.directory / "state" / "shed.outbox"
    assert (status, err) == (1, f"a bridge runs with {outbox}: stop it first\n")
    assert outbox.with_suffix(".topics").exists()
    status, _, err = await shell("forget", "shed", "--broker", f"{world.broker.host}:{world.broker.port}")
    assert (status, err) == (1, "the bridge of shed is online: stop it first\n")
    await service.bridge.stop()
    await shed.send("telemetry", b"at the broker", "m2")
    await service.bridge.start()
    await logged(service.bridge, "1 message in ")
    assert "for a modem shed, which is not configured" in service.bridge.log
    assert "sim7020-bridge outbox move shed NEW gives it to modem NEW" in service.bridge.log
    in_use = f"a bridge runs with {outbox.with_stem('barn')}: stop it first\n"
    assert await shell("outbox", "move", "shed", "barn", "--config", service.file) == (1, "", in_use)
    assert (await shell(*command))[::2] == (0, f"left in {outbox}: 1 message; --outbox deletes what is left\n")
    assert outbox.exists()
    status, out, _ = await shell(*command, "--outbox", "--yes")
    assert (status, out) == (0, "0 topics of shed emptied\n")
    assert not list(outbox.parent.glob("shed.outbox*"))
    status, out, err = await shell(*command, "--outbox")
    assert (status, out, err.rpartition("; ")[2]) == (2, "", "there are: barn\n")
    assert not list(outbox.parent.glob("shed.*"))
    broker = ("--broker", f"{world.broker.host}:{world.broker.port}")
    status, _, err = await shell("status", "-m", "shed", *broker)
    assert (status, err.rpartition("; ")[2]) == (3, "there are: barn\n")
    # the session is gone, too: a modem of the old name starts without what was sent to it meanwhile
    service.tree["modems"] = {"shed": service.tree["modems"]["barn"]}
    service.write()
    await service.bridge.stop()
    since = service.bridge.log.count("a new session")
    await service.bridge.start()
    await logged(service.bridge, "a new session", times=since + 1)
    assert "m2" not in (await shell("outbox", "list", "--config", service.file))[1]


async def test_messages_of_a_modem_that_was_renamed(world: World) -> None:
    """They are moved to its new name, once that has the sockets that they are for, and go from there."""
    service = Configured(world, str(world.directory / "no-tty"), {"telemetry": udp(9)})
    service.write()
    await world.add(service.bridge)
    shed = world.modem("shed")
    await world.mqtt.now(shed.topic("availability"), lambda heard: heard.payload == b"online")
    for name in ("m1", "m2"):
        await shed.send("telemetry", b"x", name)
        await shed.receipt("telemetry", name, "queued")
    move = ("outbox", "move", "shed", "barn", "--config", service.file)
    status, _, err = await shell(*move)
    assert (status, "shed is configured in" in err) == (2, True)
    await service.bridge.stop()
    modem = service.tree["modems"].pop("shed")
    service.tree["modems"]["barn"] = {**modem, "sockets": {"control": udp(9)}}
    service.write()
    assert await shell(*move) == (2, "", "barn has no socket telemetry; it has: control\n")
    service.tree["modems"]["barn"] = modem
    service.write()
    told = f"there is no modem nix in {service.file}; there are: barn\n"
    assert await shell("outbox", "move", "shed", "nix", "--config", service.file) == (2, "", told)
    state = world.directory / "state"
    told = f"there is no modem nix with an outbox in {state}; there are: shed\n"
    assert await shell("outbox", "move", "nix", "barn", "--config", service.file) == (2, "", told)
    status, out, err = await shell("outbox", "move", "barn", "shed", "--config", service.file)
    assert (status, out) == (2, "")
    assert "shed is not: swap them to give what waits for shed to barn" in err
    assert await shell(*move) == (0, "2 messages moved from shed to barn\n", "")
    assert not list(state.glob("shed.outbox*"))
    await service.bridge.start()
    await logged(service.bridge, "left over from the last run: 2 messages to send")
    assert "for a modem shed, which is not configured" not in service.bridge.log
    assert await shell("outbox", "cancel", "m1", "m2", "--config", service.file) == (0, "2 cancelled\n", "")
    await world.modem("barn").receipt("telemetry", "m2", "failed")


async def test_messages_of_a_modem_that_was_renamed_with_ids_of_others(world: World) -> None:
    """Whoever does what the refusal advises has one final receipt for each message, under the name it was sent to."""
    service = Configured(world, str(world.directory / "no-tty"), {"telemetry": udp(9)})
    cancel = ("outbox", "cancel", "--config", service.file)
    move = ("outbox", "move", "shed", "barn", "--config", service.file)
    shed, barn = world.modem("shed"), world.modem("barn")

    async def configure(name: str) -> None:
        service.tree["modems"] = {name: next(iter(service.tree["modems"].values()))}
        service.write()
        await world.add(service.bridge)
        await world.mqtt.now(world.modem(name).topic("availability"), lambda heard: heard.payload == b"online")

    await configure("shed")
    for name in ("m1", "m2"):
        await shed.send("telemetry", b"x", name)
        await shed.receipt("telemetry", name, "queued")
    await service.bridge.stop()
    await configure("barn")
    await barn.send("telemetry", b"another", "m2")
    await barn.receipt("telemetry", "m2", "queued")
    assert await shell(*cancel, "m2") == (0, "1 cancelled\n", "")
    await barn.receipt("telemetry", "m2", "failed")
    await service.bridge.stop()
    told = (
        "barn has had messages with the same ids: m2; nothing was moved. Configure shed again, in place of barn if it "
        "is the same modem, and start the bridge. When these messages were sent, or cancelled with "
        "outbox cancel --modem shed ID..., stop it, configure barn as it is now, and move again\n"
    )
    assert await shell(*move) == (1, "", told)
    await configure("shed")
    assert await shell(*cancel, "--modem", "shed", "m2") == (0, "1 cancelled\n", "")
    await shed.receipt("telemetry", "m2", "failed")
    await service.bridge.stop()
    service.tree["modems"] = {"barn": service.tree["modems"]["shed"]}
    service.write()
    assert await shell(*move) == (0, "1 message moved from shed to barn\n", "")
    await configure("barn")
    assert await shell(*cancel, "m1") == (0, "1 cancelled\n", "")
    await barn.receipt("telemetry", "m1", "failed")
    await service.bridge.stop()
    assert [each.receipts("telemetry", "m2") for each in (shed, barn)] == [["queued", "failed"]] * 2
    assert [each.receipts("telemetry", "m1") for each in (shed, barn)] == [["queued"], ["failed"]]


async def test_messages_of_a_modem_with_a_damaged_outbox(world: World) -> None:
    """Nothing is moved, and only a bridge sets a file aside: it tells."""
    service = Configured(world, str(world.directory / "no-tty"), {"telemetry": udp(9)})
    service.tree["modems"] = {"barn": service.tree["modems"]["shed"]}
    service.write()
    state = world.directory / "state"
    for name in ("shed", "barn"):
        database = Database(state / f"{name}.outbox")
        with contextlib.closing(database.open()) as connection:
            records.add(
                connection, Entry(1, Message(id=name, socket="telemetry", data=b"x", at=datetime.now(UTC)), 0.0)
            )
            (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'known'").fetchone()
        database.release()
        sound = database.file.read_bytes()
        database.file.write_bytes(sound[: (page - 1) * 4096] + bytes([255]) * 300 + sound[(page - 1) * 4096 + 300 :])
        names = {file.name for file in state.iterdir()} | {"barn.outbox.lock"}
        status, out, err = await shell("outbox", "move", "shed", "barn", "--config", service.file)
        assert (status, out) == (1, "")
        start = "Configure shed again and start" if name == "shed" else "Start"
        assert err.startswith(f"{database.file} is damaged (")
        assert err.count("\n") == 1
        assert err.endswith(
            f"); nothing was moved. {start} the bridge, which sets the file aside, makes a new one and says so "
            "(alert outbox_damaged)\n"
        )
        assert {file.name for file in state.iterdir()} == names
        assert [entry.message.id for entry in OutboxFile(state, name).entries()] == [name]
        if name == "shed":
            database.file.write_bytes(sound)
    await world.add(service.bridge)
    await world.mqtt.now(world.modem("barn").topic("alert/outbox_damaged"))


async def test_forget_keeps_what_the_broker_never_had(world: World) -> None:
    """A removed modem's receipts and received data stay on disk, are told of at each start, and go with --outbox."""
    service = Configured(world, str(world.directory / "no-tty"), {})
    service.tree["modems"] = {"barn": service.tree["modems"]["shed"]}
    service.write()
    outbox = world.directory / "state" / "shed.outbox"
    database = Database(outbox)
    with contextlib.closing(database.open()) as connection:
        records.add_publications(connection, [PendingPublication(PendingKind.RECEIVED, "received", b"came")])
    await world.mqtt.publish("sim7020/shed/availability", b"offline", retain=True)
    command = ("forget", "shed", "--config", service.file)
    status, _, err = await shell(*command, "--outbox", "--yes")
    assert (status, err) == (1, f"a bridge runs with {outbox}: stop it first\n")
    database.release()
    stays = f"left in {outbox}: 1 publication; --outbox deletes what is left\n"
    # what was refused had done nothing: the topic is still there
    assert await shell(*command) == (0, "1 topic of shed emptied\n", stays)
    await service.bridge.start()
    await logged(service.bridge, f"1 publication in {outbox} for a modem shed")
    await service.bridge.stop()
    assert await shell(*command, "--outbox", "--yes") == (0, "0 topics of shed emptied\n", "")
    assert not list(outbox.parent.glob("shed.outbox*"))


async def test_forget_leaves_a_session_that_another_modem_has(world: World) -> None:
    """A modem that was given the client identifier of the one before it goes on, and so does its session."""
    service = Configured(world, str(world.directory / "no-tty"), {"telemetry": udp(9)})
    service.tree["modems"] = {"barn": service.tree["modems"]["shed"] | {"client_id": "sim7020-bridge-shed"}}
    service.write()
    await world.add(service.bridge)
    await logged(service.bridge, "connected to the MQTT broker")
    await world.mqtt.publish("sim7020/shed/availability", b"offline", retain=True)
    status, out, err = await shell("forget", "shed", "--config", service.file)
    told = "the session sim7020-bridge-shed stays: it is barn's\n"
    assert (status, out, err) == (0, "1 topic of shed emptied\n", told)
    await service.bridge.stop()
    assert service.bridge.log.count("connected to the MQTT broker") == 1
    await world.modem("barn").send("telemetry", b"kept in the session", "m1")
    await service.bridge.start()
    await world.modem("barn").receipt("telemetry", "m1", "queued")
