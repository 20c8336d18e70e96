"""Section 3.9 of the TCP/IP note: every error code at every moment, and sockets that come back."""

import pytest

from tests.e2e.servers import until
from tests.e2e.world import Modem, Settings, World, tcp, udp

CODES = {
    -1: "common",
    1: "route",
    2: "connection_aborted",
    3: "connection_reset",
    4: "not_connected",
    5: "value",
    6: "buffer",
    7: "block",
    8: "address_in_use",
    9: "already_connecting",
    10: "already_connected",
    11: "bearer",
    12: "parameter",
}
OF_THE_MODULE = {6, 8, 11}
"""Codes that blame no peer."""
PLACE = "198.51.100.7"


def endpoint(code: int) -> int:
    """Return the port of the endpoint that fails with a code."""
    return 6000 + code


async def failing(world: World, moment: str, *, speed: str = "0") -> dict[int, tuple[Modem, str]]:
    """Run three modems with a socket for every code, and return each code's modem and socket."""
    failures = [
        argument
        for code in CODES
        for argument in ("--fail", f"{PLACE}:{endpoint(code)}={code}@{moment}", "--route", f"{PLACE}=127.0.0.1")
    ]
    modems: dict[str, Settings] = {}
    where: dict[int, tuple[Modem, str]] = {}
    for number, codes in enumerate((list(CODES)[:5], list(CODES)[5:10], list(CODES)[10:])):
        name = f"modem{number}"
        emulator = await world.emulator("--attached", *failures, name=name, speed=speed)
        sockets = {f"code{code}": {"protocol": "udp", "host": PLACE, "port": endpoint(code)} for code in codes}
        modems[name] = {"port": emulator.place, "sockets": sockets}
        where |= {code: (world.modem(name), f"code{code}") for code in codes}
    await world.bridge(modems)
    return where


async def fallen_back(world: World, topic: str, *, times: int) -> None:
    """Return once a socket has waited so often."""
    await until(lambda: [heard.json()["phase"] for heard in world.mqtt.all(topic)].count("backoff") >= times)


async def test_every_code_at_connect(world: World) -> None:
    """A connection that fails leaves its code in the state, the socket waits, and tries again more and more rarely."""
    for code, (modem, socket) in (await failing(world, "connect")).items():
        state = await modem.socket(socket, lambda state: state["phase"] == "backoff")
        assert (state["last_error"]["code"], state["last_error"]["name"]) == (code, CODES[code])
        await modem.send(socket, b"not lost", "m1")
        await modem.receipt(socket, "m1", "queued")
        assert modem.receipts(socket, "m1") == ["queued"]
        await fallen_back(world, modem.topic(f"socket/{socket}/state"), times=2)


async def test_every_code_at_send(world: World) -> None:
    """A send that fails is tried again on a socket opened afresh, and in the end told as failed."""
    where = {code: at for code, at in (await failing(world, "send")).items() if code not in OF_THE_MODULE}
    for modem, socket in where.values():
        await modem.open(socket)
        await modem.send(socket, b"never", "m1")
    for code, (modem, socket) in where.items():
        receipt = await modem.receipt(socket, "m1", "failed")
        assert receipt["attempts"] == 3
        assert receipt["error"]["code"] == "module_refused"
        state = await modem.socket(socket, lambda state: state["last_error"] is not None)
        assert state["sent"]["messages"] == 0
        assert modem.receipts(socket, "m1") == ["queued", "sending", "sending", "sending", "failed"]
        assert state["last_error"]["code"] in {code, None}


async def test_every_code_of_the_module_at_send(world: World) -> None:
    """A send that fails with no peer to blame is tried again until it goes out, more often than one that has."""
    servers = {code: await world.udp() for code in OF_THE_MODULE}
    modems: dict[str, Settings] = {}
    for code in OF_THE_MODULE:
        name = f"modem{code}"
        emulator = await world.emulator("--do", f"send-fails {code} 4", name=name)
        modems[name] = {"port": emulator.place, "sockets": {"data": udp(servers[code].port)}}
    await world.bridge(modems)
    for code in OF_THE_MODULE:
        await world.modem(f"modem{code}").open("data")
        await world.modem(f"modem{code}").send("data", b"in the end", "m1")
    for code in OF_THE_MODULE:
        modem = world.modem(f"modem{code}")
        assert (await modem.receipt("data", "m1", "accepted"))["attempts"] == 5
        await servers[code].has(b"in the end")
        assert modem.receipts("data", "m1") == ["queued", *["sending"] * 5, "accepted"]
        state = await modem.socket("data", lambda state: state["phase"] == "open")
        assert (state["last_error"]["code"], state["last_error"]["name"]) == (code, CODES[code])


async def test_every_code_later(world: World) -> None:
    """A socket that fails out of the blue tells its code and is opened again."""
    for code, (modem, socket) in (await failing(world, "later", speed="4")).items():
        state = await modem.socket(socket, lambda state: state["last_error"] is not None)
        assert (state["last_error"]["code"], state["last_error"]["name"]) == (code, CODES[code])
        await modem.open(socket)


@pytest.mark.parametrize("variant", ["error+csoerr", "error"])
async def test_server_that_is_away_at_first(world: World, variant: str) -> None:
    """What is sent while nobody listens waits, and arrives once the server is there."""
    server = await world.tcp()
    await server.__aexit__()
    emulator = await world.emulator("--variant", f"csocon_failure={variant}")
    await world.bridge({"shed": {"port": emulator.place, "sockets": {"control": tcp(server.port)}}})
    shed = world.modem("shed")
    state = await shed.socket("control", lambda state: state["phase"] == "backoff")
    assert state["last_error"]["code"] == (3 if variant == "error+csoerr" else None)
    for number in range(3):
        await shed.send("control", f"m{number} ", f"m{number}")
    waiting = 3 * (len("m0 ") + len("m0") + len("control"))
    assert (await shed.state(lambda state: state["outbox"]["messages"] == 3))["outbox"]["bytes"] == waiting
    await server.__aenter__()
    await server.has(b"m0 m1 m2 ")
    await shed.receipt("control", "m2", "acknowledged")
    await shed.state(lambda state: state["outbox"]["messages"] == 0)


@pytest.mark.parametrize(("end", "code"), [("hang_up", 4), ("reset", 3)])
async def test_connection_that_breaks(world: World, end: str, code: int) -> None:
    """A server that hangs up or resets is connected to again, with what was sent meanwhile delivered."""
    server = await world.tcp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"control": tcp(server.port)})
    await shed.send("control", b"before ", "m1")
    await server.has(b"before ")
    getattr(server, end)()
    state = await shed.socket("control", lambda state: state["last_error"] is not None)
    assert state["last_error"]["code"] == code
    await shed.send("control", b"after", "m2")
    await server.has(b"before after")
    assert server.connections == 2
    await shed.receipt("control", "m2", "acknowledged")


async def test_one_socket_that_fails_leaves_the_others_alone(world: World) -> None:
    """While one socket is opened again and again another one carries its messages."""
    server = await world.udp(echo=True)
    emulator = await world.emulator("--fail", f"{PLACE}:7000=1")
    sockets = {"bad": {"protocol": "tcp", "host": PLACE, "port": 7000}, "good": udp(server.port)}
    await world.bridge({"shed": {"port": emulator.place, "sockets": sockets}})
    shed = world.modem("shed")
    await shed.socket("bad", lambda state: state["phase"] == "backoff")
    await shed.open("good")
    for number in range(20):
        await shed.send("good", f"{number}", f"m{number}")
        await shed.received("good", f"{number}".encode())
