"""Modems of several bridges share what is published to their pool."""

import asyncio
import signal
from collections import Counter
from typing import Any

from tests.e2e.mqtt_peer import Mqtt5
from tests.e2e.programs import BridgeProcess, Emulator
from tests.e2e.servers import UdpServer, until
from tests.e2e.world import World, udp

POOL = "sim7020/pool/meters"
IN_MODULE = 20
"""Messages that a member may have given to its module without knowing it after it was killed."""


class Member:
    """A bridge of its own with one modem, whose socket is in the pool."""

    def __init__(self, world: World, name: str, server: UdpServer, socket: dict[str, Any], **modem: object) -> None:
        self.name = name
        self._world = world
        self._socket = udp(server.port, **{"pool": "meters", **socket})
        self._modem = modem
        self.emulator: Emulator
        self.bridge: BridgeProcess

    async def start(self) -> None:
        """Start module and bridge, and return when it takes from the pool."""
        self.emulator = await self._world.emulator(name=self.name)
        modem = {"port": self.emulator.place, "sockets": {"telemetry": self._socket}, **self._modem}
        self.bridge = await self._world.bridge({self.name: modem})
        await self.takes()

    async def takes(self, *, takes: bool = True) -> None:
        """Return once it takes from the pool, or no longer."""
        await self._world.modem(self.name).socket("telemetry", lambda state: state["in_pool"] is takes)

    def read_again(self) -> None:
        """Have its bridge read the configuration again."""
        assert self.bridge.process is not None
        self.bridge.process.send_signal(signal.SIGHUP)


async def members(world: World, server: UdpServer, **settings: dict[str, Any]) -> list[Member]:
    """Start a member for each name, with more settings of its socket."""
    made = [Member(world, name, server, more) for name, more in settings.items()]
    await asyncio.gather(*(member.start() for member in made))
    return made


def post(world: World, *names: str) -> None:
    """Publish messages to the pool."""
    for name in names:
        world.mqtt.post(f"{POOL}/send", name, properties=Mqtt5(user=(("id", name),)))


def ends(world: World) -> dict[str, str]:
    """Return the modem that has told the end of each message, by id."""
    receipts = [heard.json() for heard in world.mqtt.all(f"{POOL}/receipt")]
    return {receipt["id"]: receipt["modem"] for receipt in receipts if receipt["final"]}


def taken(world: World, modem: str) -> set[str]:
    """Return the messages that a modem's bridge has on disk, or had."""
    receipts = [heard.json() for heard in world.mqtt.all(f"{POOL}/receipt")]
    return {receipt["id"] for receipt in receipts if receipt["modem"] == modem}


async def ended(world: World, *names: str) -> Counter[str]:
    """Return how many of these messages each modem has sent, once all have their end."""
    await until(lambda: set(names) <= ends(world).keys())
    return Counter(ends(world)[name] for name in names)


async def test_members_share_what_is_published(world: World) -> None:
    """Each message leaves by one modem; its publisher hears of it at the pool, and where it asked to."""
    server = await world.udp()
    await members(world, server, attic={}, barn={}, cellar={})
    names = [f"m{number}" for number in range(30)]
    post(world, *names)
    assert await ended(world, *names) == {"attic": 10, "barn": 10, "cellar": 10}
    await until(lambda: len(server.datagrams) == 30)
    assert {data.decode() for data in server.datagrams} == set(names)
    asked = Mqtt5(response_topic="answers", correlation_data=b"c", user=(("id", "asked"),))
    await world.mqtt.publish(f"{POOL}/send", "x", properties=asked)
    answer = await world.mqtt.message("answers", lambda heard: heard.json()["final"])
    assert (answer.json()["id"], answer.correlation_data) == ("asked", b"c")
    await world.modem(answer.json()["modem"]).receipt("telemetry", "asked", "accepted")


async def test_nothing_is_lost_when_a_member_is_killed_under_load(world: World) -> None:
    """What a killed member has or is dealt meanwhile goes out when it is back; all else leaves by the others."""
    server = await world.udp()
    attic, barn, cellar = await members(world, server, attic={}, barn={"min_interval": 0.1}, cellar={})
    before = [f"before{number}" for number in range(90)]
    after = [f"after{number}" for number in range(90)]
    post(world, *before)
    await until(lambda: len(taken(world, "barn")) > 20)
    await barn.bridge.kill()
    await world.mqtt.now("sim7020/barn/availability", lambda heard: heard.payload == b"offline")
    post(world, *after)
    others = {attic.name, cellar.name}
    await until(lambda: sum(modem in others for modem in ends(world).values()) >= 120)
    assert taken(world, "barn") - {data.decode() for data in server.datagrams}, "nothing waits for the killed bridge"
    await barn.bridge.start()
    assert await ended(world, *before, *after) == {"attic": 60, "barn": 60, "cellar": 60}
    arrived = Counter(data.decode() for data in server.datagrams)
    assert arrived.keys() == {*before, *after}
    twice = {name for name, times in arrived.items() if times > 1}
    assert len(twice) <= IN_MODULE
    assert twice <= taken(world, "barn")
    await barn.takes()


async def test_a_member_leaves_while_its_modem_is_not_online(world: World) -> None:
    """A modem that is away gets nothing to send, also if its bridge is killed and started again; then it is back."""
    server = await world.udp()
    _, barn = await members(world, server, attic={}, barn={})
    await barn.emulator.kill()
    await barn.takes(takes=False)
    first = [f"first{number}" for number in range(10)]
    post(world, *first)
    assert await ended(world, *first) == {"attic": 10}
    await barn.emulator.start()
    await barn.takes()
    # killed together, it is still in the pool by the broker's session
    await barn.bridge.kill()
    await barn.emulator.kill()
    await barn.bridge.start()
    await barn.takes(takes=False)
    second = [f"second{number}" for number in range(10)]
    post(world, *second)
    assert await ended(world, *second) == {"attic": 10}
    await barn.emulator.start()
    await barn.takes()
    third = [f"third{number}" for number in range(10)]
    post(world, *third)
    assert await ended(world, *third) == {"attic": 5, "barn": 5}


async def test_a_member_leaves_when_it_ends(world: World) -> None:
    """A bridge that is stopped has nothing dealt to it meanwhile."""
    server = await world.udp()
    _, barn = await members(world, server, attic={}, barn={})
    await barn.bridge.stop()
    names = [f"m{number}" for number in range(10)]
    post(world, *names)
    assert await ended(world, *names) == {"attic": 10}


async def test_a_pool_is_left_and_joined_while_the_bridge_runs(world: World) -> None:
    """A configuration that is read again takes a socket out of its pool, and brings it back."""
    server = await world.udp()
    _, barn = await members(world, server, attic={}, barn={})
    config = barn.bridge.config
    before = config.read_text()
    config.write_text(before.replace(', "pool": "meters"', ""))
    barn.read_again()
    await world.modem("barn").socket("telemetry", lambda state: state["in_pool"] is None)
    first = [f"first{number}" for number in range(10)]
    post(world, *first)
    assert await ended(world, *first) == {"attic": 10}
    config.write_text(before)
    barn.read_again()
    await barn.takes()
    second = [f"second{number}" for number in range(10)]
    post(world, *second)
    assert await ended(world, *second) == {"attic": 5, "barn": 5}


async def test_a_killed_member_that_is_in_the_pool_no_longer(world: World) -> None:
    """What it is still dealt by its session is rejected at the pool, and then it is dealt nothing more."""
    server = await world.udp()
    _, barn = await members(world, server, attic={}, barn={})
    await barn.bridge.kill()
    config = barn.bridge.config
    config.write_text(config.read_text().replace('"pool": "meters"', '"pool": "others"'))
    await barn.bridge.start()
    await barn.takes()
    post(world, "one", "two")
    assert await ended(world, "one", "two") == {"attic": 1, "barn": 1}
    receipts = [heard.json() for heard in world.mqtt.all(f"{POOL}/receipt")]
    (rejected,) = [receipt for receipt in receipts if receipt["modem"] == "barn"]
    assert (rejected["state"], rejected["error"]["code"]) == ("rejected", "unknown_pool")
    names = [f"m{number}" for number in range(10)]
    post(world, *names)
    assert await ended(world, *names) == {"attic": 10}


async def test_a_member_leaves_before_its_outbox_is_full(world: World) -> None:
    """A modem that can't keep up is dealt no more than its outbox has room for, and is back once that is empty."""
    server = await world.udp()
    barn = Member(world, "barn", server, {"min_interval": 3600}, outbox={"max_messages": 50})
    await asyncio.gather(Member(world, "attic", server, {}).start(), barn.start())
    names = [f"m{number}" for number in range(120)]
    for start in range(0, len(names), 4):
        some = names[start : start + 4]
        post(world, *some)
        await until(lambda some=some: set(some) <= taken(world, "attic") | taken(world, "barn"))  # type: ignore[misc]
    await barn.takes(takes=False)
    assert 40 <= len(taken(world, "barn")) < 50
    await until(lambda: taken(world, "attic") <= ends(world).keys())
    answer = await world.modem("barn").request("outbox", action="purge")
    assert answer["data"]["cancelled"] >= 40
    await barn.takes()


async def test_a_member_leaves_when_its_data_budget_is_used_up(world: World) -> None:
    """What would wait for the next billing period is left to modems that may still send."""
    server = await world.udp()
    barn = Member(world, "barn", server, {}, data_budget={"bytes": 20_000})
    await asyncio.gather(Member(world, "attic", server, {}).start(), barn.start())
    await world.modem("barn").request("calibrate", used=20_000)
    await barn.takes(takes=False)
    post(world, "one", "two", "three")
    assert await ended(world, "one", "two", "three") == {"attic": 3}
