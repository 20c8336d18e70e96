"""What is told of modems beside their messages: whether they are heard, and Home Assistant."""

from datetime import timedelta
from pathlib import Path

from tests.far_end.world import a_world

PATHS = "    silence: 100\n    paths: {t: {payload: cbor, pick: [temperature, update.state]}}\n"


async def test_a_modem_that_falls_silent_is_offline(tmp_path: Path) -> None:
    """Until it is heard again, also for a far end that starts meanwhile."""
    async with a_world(tmp_path, modem=PATHS) as world:
        topic = "far-end/shed/availability"
        assert (await world.peer.now(topic)).payload == b"offline"
        await world.post(b"\x82\x01\x02")
        assert (await world.peer.now(topic, lambda heard: heard.payload == b"online")).retain
        world.passed = timedelta(seconds=101)
        await world.peer.now(topic, lambda heard: heard.payload == b"offline")
        await world.post(b"\x82\x01\x02")
        await world.peer.now(topic, lambda heard: heard.payload == b"online")
        await world.stop()
        await world.peer.now("far-end/availability", lambda heard: heard.payload == b"offline")
        since = len(world.peer.heard)
        world.passed += timedelta(seconds=101)
        await world.start()
        assert (await world.peer.message(topic, since=since)).payload == b"offline"


async def test_a_far_end_that_is_killed_is_offline(tmp_path: Path) -> None:
    """Its last will says so."""
    async with a_world(tmp_path) as world:
        since = len(world.peer.heard)
        # as when its machine is gone
        world.far_end._broker._client._drop()
        await world.peer.message("far-end/availability", lambda heard: heard.payload == b"offline", since=since)
        await world.peer.message("far-end/availability", lambda heard: heard.payload == b"online", since=since)


async def test_home_assistant_learns_of_a_modem(tmp_path: Path) -> None:
    """A device with what is known of it, and a sensor for each field that is picked."""
    async with a_world(tmp_path, "home_assistant_discovery: ha\n", PATHS) as world:
        told = await world.peer.now("ha/device/sim7020_far_end_far-end_shed/config")
        assert told.retain
        document = told.json()
        assert document["device"]["identifiers"] == ["sim7020_far_end_far-end_shed"]
        components = document["components"]
        assert set(components) == {"online", "last_heard", "waiting", "t_temperature", "t_update_state"}
        field = components["t_update_state"]
        assert field["state_topic"] == "far-end/shed/received/t"
        assert field["value_template"] == "{{ value_json['update']['state'] }}"
        assert len({each["unique_id"] for each in components.values()}) == len(components)
        await world.post(bytes.fromhex("82f94d6062") + b"ok")
        assert await world.published(1) == [b'{"temperature":21.5,"update":{"state":"ok"}}']
