"""What the bridge says is billed, against what the emulated network counted by itself."""

from pathlib import Path

import pytest

from sim7020_emulator.scenario.control import tell
from tests.e2e.servers import until
from tests.e2e.world import Document, World, tcp, udp

SIZES = (20, 128, 512)
MESSAGES = 60


class Network:
    """The account of an emulated module's network."""

    def __init__(self, control: Path) -> None:
        self._control = control

    def play(self, profile: str) -> None:
        """Begin a profile, and its account, now."""
        assert tell(self._control, ["profile", profile]) == "ok"

    def __getitem__(self, figure: str) -> int:
        told = dict(each.split("=") for each in tell(self._control, ["field"]).split())
        return int(told[figure])

    @property
    def bytes(self) -> int:
        """All that went over the air, headers and repetitions included."""
        return self["up_bytes"] + self["down_bytes"]


@pytest.fixture
def network(tmp_path: Path) -> Network:
    """Return the network of the module that is called shed."""
    return Network(tmp_path / "shed.control")


def echoed(sizes: tuple[int, ...], count: int) -> list[bytes]:
    """Return so many payloads of these sizes by turns."""
    return [bytes([number % 256]) * sizes[number % len(sizes)] for number in range(count)]


@pytest.mark.usefixtures("same_day")
async def test_datagrams_in_the_field(world: World, network: Network) -> None:
    """Over UDP the bridge bills what the network counted, to the byte, but for what was lost on its way down.

    That is each message's payload and 28 bytes, up and down.
    """
    server = await world.udp(echo=True)
    emulator = await world.emulator("--control", str(world.directory / "shed.control"), "--seed", "7020")
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)})
    network.play("field-good")
    payloads = echoed(SIZES, MESSAGES)
    for number, payload in enumerate(payloads):
        await shed.send("telemetry", payload, f"m{number}")
    await shed.receipt("telemetry", f"m{MESSAGES - 1}", "accepted")
    await until(lambda: network["up"] == MESSAGES and network["down"] == MESSAGES - network["up_lost"])
    came = network["down"] - network["down_lost"]
    socket = await shed.socket("telemetry", lambda state: state["received"]["messages"] == came)
    lost = sum(map(len, server.datagrams)) - socket["received"]["bytes"] + 28 * network["down_lost"]
    state = await shed.state(lambda state: state["usage"]["today"]["up"] == network["up_bytes"])
    usage = state["usage"]
    assert usage["billed"]["today"] == usage["today"]["up"] + usage["today"]["down"] == usage["used"]
    assert usage["billed"]["today"] == network.bytes - lost
    due = sum(len(payload) + 28 for payload in payloads)
    assert usage["today"] == {"up": due, "down": network["down_bytes"] - lost}
    assert network["sessions"] == usage["sessions"]["today"] == 1


@pytest.mark.usefixtures("same_day")
async def test_a_stream_in_the_field(world: World, network: Network) -> None:
    """Over TCP the bridge can't know what was repeated or acknowledged together: it is less than 5 % off."""
    server = await world.tcp(echo=True)
    emulator = await world.emulator("--control", str(world.directory / "shed.control"), "--seed", "7020")
    await world.bridge({"shed": {"port": emulator.place, "sockets": {"control": tcp(server.port)}}})
    shed = world.modem("shed")
    await shed.open("control")
    before = (await shed.state(lambda state: state["usage"]["today"]["up"] > 0))["usage"]["billed"]["today"]
    network.play("field-good")
    payloads = echoed(SIZES, MESSAGES)
    for number, payload in enumerate(payloads):
        await shed.send("control", payload, f"m{number}")
    await shed.receipt("control", f"m{MESSAGES - 1}", "acknowledged")
    length = sum(map(len, payloads))
    await shed.socket("control", lambda state: state["received"]["bytes"] == length)
    state = await shed.state(lambda state: state["usage"]["today"]["down"] > length and not state["outbox"]["messages"])
    counted = state["usage"]["billed"]["today"] - before
    assert abs(counted - network.bytes) <= 0.05 * network.bytes


@pytest.mark.usefixtures("same_day")
async def test_sessions_over_kills_and_another_operator(world: World, network: Network) -> None:
    """Whole kilobytes for the sessions that the network counted, whatever ended, and whoever is asked meanwhile."""
    server = await world.udp()
    emulator = await world.emulator("--control", str(world.directory / "shed.control"))
    settings = {"port": emulator.place, "sockets": {"telemetry": udp(server.port)}}
    by = {billing: {"shed": {**settings, "data_budget": {"billing": billing}}} for billing in ("sessions", "packets")}
    bridge = await world.bridge(by["sessions"])
    shed = world.modem("shed")
    sent = 0

    async def send(count: int) -> None:
        nonlocal sent
        for _ in range(count):
            sent += 1
            await shed.send("telemetry", bytes(64), f"m{sent}")
        await shed.receipt("telemetry", f"m{sent}", "accepted")

    async def told(billing: str) -> Document:
        return dict((await shed.state(lambda state: state["usage"]["billing"] == billing))["usage"])

    await shed.open("telemetry")
    await send(3)
    await bridge.kill()
    await bridge.start()
    await send(3)
    await bridge.kill()
    bridge = await world.bridge(by["packets"])
    assert (await told("packets"))["used"] == 6 * (64 + 28 + 54)
    await send(1)
    assert (await shed.request("reattach"))["status"] == "ok"
    await send(2)
    await bridge.kill()
    await world.bridge(by["sessions"])
    usage = await told("sessions")
    assert (usage["used"], usage["today"]["up"]) == (2 * 1024, 9 * 92)
    assert usage["sessions"]["today"] == network["sessions"] == 2
