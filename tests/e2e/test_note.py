"""Sections 2 and 3 of the TCP/IP note, each through a real pty and a real broker."""

import asyncio
import base64
import json
import re

import pytest

from tests import contract_check
from tests.e2e.servers import until
from tests.e2e.world import World, tcp, udp

DNS_FORMS = pytest.mark.parametrize("form", ["urc", "sync"])


async def test_2_1_attach(world: World) -> None:
    """Section 2.1: the module attaches by itself, and state says all that the note's checks show."""
    emulator = await world.emulator("--set", "rssi=20", "--set", "address=10.250.0.213")
    shed = await world.shed(emulator.place)
    state = await shed.state(lambda state: state["registration"]["operator"] is not None)
    assert state["link"]["reason"] is None
    assert state["sim"] == {"status": "ready"}
    assert state["signal"]["rssi"] is not None
    assert state["registration"]["status"] == "home"
    assert state["registration"]["technology"] == "NB-IoT"
    assert (state["registration"]["operator"], state["registration"]["plmn"]) == ("CHN-UNICOM", None)
    assert state["pdn"] == {
        "state": "active",
        "cid": 1,
        "requested_apn": None,
        "apn": "shnbiot",
        "address": "10.250.0.213",
    }
    info = (await world.mqtt.now(shed.topic("info"), lambda heard: heard.json()["modem"]["iccid"] is not None)).json()
    assert info["modem"]["imei"] == "866207050000016"
    assert info["modem"]["imsi"] == "460010000000001"
    attached = await world.mqtt.message(shed.topic("event"))
    assert attached.json()["address"] == "10.250.0.213"
    assert "AT+CFUN=0" not in emulator.commands()


@pytest.mark.parametrize(("model", "name"), [("sim7020c", "SIM7020C"), ("sim7020e", "SIM7020E")])
async def test_0_products(world: World, model: str, name: str) -> None:
    """Section 0: both products tell who they are."""
    emulator = await world.emulator("--model", model)
    shed = await world.shed(emulator.place)
    info = (await world.mqtt.now(shed.topic("info"), lambda heard: heard.json()["modem"]["model"] is not None)).json()
    assert name in info["modem"]["model"]


async def test_2_2_configured_apn_is_set_once(world: World) -> None:
    """Section 2.2: another APN is set with the radio off; one that is right already is left alone."""
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, apn="3GNET")
    state = await shed.state(lambda state: state["pdn"]["apn"] == "3GNET")
    assert state["pdn"]["state"] == "active"
    commands = emulator.commands()
    off, on = commands.index("AT+CFUN=0"), commands.index("AT+CFUN=1")
    assert any(command.startswith('AT*MCGDEFCONT="IP","3GNET"') for command in commands[off:on])
    assert commands.count("AT+CFUN=0") == 1
    await emulator.press_pwrkey()
    await shed.layer("at")
    await emulator.press_pwrkey()
    await shed.online()
    assert emulator.commands().count("AT+CFUN=0") == 1


async def test_2_2_apn_on_request(world: World) -> None:
    """Section 2.2: set_apn changes the APN, answers with the new context, and sockets come back."""
    server = await world.udp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)})
    response = await shed.request("set_apn", apn="3GNET", username="me", password="word")  # noqa: S106 - for an emulated network
    assert response["status"] == "ok"
    assert response["data"]["apn"] == "3GNET"
    assert response["data"]["pdn"]["state"] == "active"
    await shed.state(lambda state: state["pdn"]["apn"] == "3GNET" and state["pdn"]["address"] is not None)
    await shed.open("telemetry")
    await shed.send("telemetry", b"x", "m1")
    await server.has(b"x")


@DNS_FORMS
async def test_2_3_resolve(world: World, form: str) -> None:
    """Section 2.3: a name is resolved in both firmware forms, and a failure says so."""
    emulator = await world.emulator(
        "--variant",
        f"dns={form}",
        "--dns",
        "www.baidu.com=61.135.169.121,61.135.169.125",
        "--dns",
        "nowhere.test=fail:8",
    )
    shed = await world.shed(emulator.place)
    found = await shed.request("resolve", name="www.baidu.com")
    assert found["status"] == "ok"
    assert found["data"]["addresses"][0] == "61.135.169.121"
    lost = await shed.request("resolve", name="nowhere.test")
    assert lost["status"] == "error"
    assert lost["error"]["code"] in {"resolve_failed", "module_refused"}


@DNS_FORMS
async def test_2_3_socket_to_a_name(world: World, form: str) -> None:
    """Section 2.3: a socket's host name is resolved by the module; one that can't be resolved is told and retried."""
    server = await world.udp(echo=True)
    emulator = await world.emulator(
        "--variant", f"dns={form}", "--dns", "good.test=127.0.0.1", "--dns", "bad.test=fail:8"
    )
    sockets = {
        "good": {"protocol": "udp", "host": "good.test", "port": server.port},
        "bad": {"protocol": "udp", "host": "bad.test", "port": server.port},
    }
    await world.bridge({"shed": {"port": emulator.place, "sockets": sockets}})
    shed = world.modem("shed")
    await shed.open("good")
    assert (await shed.socket("good", lambda state: state["address"] is not None))["address"] == "127.0.0.1"
    await shed.send("good", b"by name", "m1")
    await shed.received("good", b"by name")
    bad = await shed.socket("bad", lambda state: state["phase"] == "backoff")
    assert bad["last_error"]["code"] is None
    assert bad["address"] is None


async def test_2_3_ping(world: World) -> None:
    """Section 2.3: four replies, each with sequence, address, time and TTL; a lost one is null."""
    emulator = await world.emulator("--ping", "61.135.169.121=11,lost,2,3@52")
    shed = await world.shed(emulator.place)
    data = (await shed.request("ping", host="61.135.169.121"))["data"]
    assert (data["sent"], data["received"], data["address"]) == (4, 3, "61.135.169.121")
    assert [reply["time"] for reply in data["replies"]] == [1100, None, 200, 300]
    assert [reply["ttl"] for reply in data["replies"]] == [52, None, 52, 52]
    assert [reply["sequence"] for reply in data["replies"]] == [1, 2, 3, 4]


@pytest.mark.parametrize("end", ["ok", "no_carrier"])
async def test_2_4_deactivate_and_activate(world: World, end: str) -> None:
    """Section 2.4: the PDN goes off and stays off, and its sockets wait; it comes on and they come back."""
    server = await world.udp()
    emulator = await world.emulator("--variant", f"cgact_off={end}")
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)})
    off = await shed.request("deactivate")
    assert off["status"] == "ok"
    assert off["data"]["pdn"]["state"] == "inactive"
    assert off["data"]["pdn"]["address"] is None
    state = await shed.layer("pdn")
    assert "on request" in state["link"]["reason"]
    await shed.socket("telemetry", lambda state: state["phase"] in {"closed", "backoff"})
    await shed.send("telemetry", b"waits", "m1")
    await shed.receipt("telemetry", "m1", "queued")
    on = await shed.request("activate")
    assert on["status"] == "ok"
    assert on["data"]["pdn"]["state"] == "active"
    await shed.online()
    await server.has(b"waits")
    await shed.receipt("telemetry", "m1", "accepted")
    assert shed.receipts("telemetry", "m1") == ["queued", "sending", "accepted"]


async def test_3_1_five_sockets(world: World) -> None:
    """Section 3.1: five sockets, TCP and UDP in any mix, are open at the same time."""
    streams = [await world.tcp(echo=True) for _ in range(3)]
    datagrams = [await world.udp(echo=True) for _ in range(2)]
    emulator = await world.emulator()
    sockets = {
        "t0": tcp(streams[0].port),
        "u1": udp(datagrams[0].port),
        "t2": tcp(streams[1].port),
        "u3": udp(datagrams[1].port),
        "t4": tcp(streams[2].port),
    }
    shed = await world.shed(emulator.place, sockets)
    for name in sockets:
        await shed.send(name, f"I am {name}", f"to {name}")
        await shed.received(name, f"I am {name}".encode())


async def test_3_2_tcp_client(world: World) -> None:
    """Section 3.2: bytes go out and come back over a TCP socket, which is closed in good order at the end."""
    server = await world.tcp(echo=True)
    emulator = await world.emulator()
    bridge = await world.bridge({"shed": {"port": emulator.place, "sockets": {"control": tcp(server.port)}}})
    shed = world.modem("shed")
    await shed.open("control")
    await shed.send("control", b"Hello World", "m1")
    await server.has(b"Hello World")
    await shed.received("control", b"Hello World")
    await bridge.stop()
    assert f'AT+CSOCON=0,{server.port},"127.0.0.1"' in emulator.commands()
    assert "AT+CSOSEND=0,22,48656C6C6F20576F726C64" in [command.replace('"', "") for command in emulator.commands()]


async def test_3_3_udp(world: World) -> None:
    """Section 3.3: a datagram goes out and one comes back over a UDP socket."""
    server = await world.udp(echo=True)
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)})
    await shed.send("telemetry", b"Hello World", "m1")
    await server.has(b"Hello World")
    await shed.received("telemetry", b"Hello World")
    await shed.receipt("telemetry", "m1", "accepted")
    assert shed.receipts("telemetry", "m1") == ["queued", "sending", "accepted"]
    state = await shed.socket("telemetry", lambda state: state["received"]["bytes"] == 11)
    assert (state["sent"], state["received"]) == ({"messages": 1, "bytes": 11}, {"messages": 1, "bytes": 11})


async def test_3_4_side_by_side(world: World) -> None:
    """Section 3.4: text on a TCP socket and hex on a UDP socket do not get in each other's way."""
    stream, datagram = await world.tcp(), await world.udp()
    emulator = await world.emulator()
    sockets = {"first": tcp(stream.port, encoding="text"), "second": udp(datagram.port, encoding="hex")}
    shed = await world.shed(emulator.place, sockets)
    await asyncio.gather(
        shed.send("first", "Hello World", "m1"),
        shed.send("second", "3132333435", "m2"),
        shed.send("first", " again", "m3"),
        shed.send("second", "36", "m4"),
    )
    await stream.has(b"Hello World again")
    await datagram.has(b"12345", b"6")


ENCODINGS = {
    "raw": (b"\x00\r\n\x1aAT\xff", b"\x00\r\n\x1aAT\xff", b"\x00\r\n\x1aAT\xff"),
    "text": ("Grüße\r\n".encode(), "Grüße\r\n".encode(), "Grüße\r\n".encode()),
    "hex": (b"3132 33FF", b"123\xff", b"313233ff"),
    "base64": (b"AAEC/w==", b"\0\1\2\xff", b"AAEC/w=="),
}


async def test_3_5_encodings(world: World) -> None:
    """Section 3.5: what is written in a socket's encoding goes out as bytes, and bytes come back in the encoding."""
    servers = {encoding: await world.udp(echo=True) for encoding in ENCODINGS}
    emulator = await world.emulator()
    sockets = {encoding: udp(server.port, encoding=encoding) for encoding, server in servers.items()}
    shed = await world.shed(emulator.place, sockets)
    for encoding, (payload, data, back) in ENCODINGS.items():
        await shed.send(encoding, payload, "m1")
        await servers[encoding].has(data)
        await shed.received(encoding, back)


async def test_3_5_json(world: World) -> None:
    """Section 3.5: a json socket takes each form of the envelope, and gives one that fits its schema."""
    server = await world.udp(echo=True)
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port, encoding="json")})
    forms = {
        "data": ("23,5 °C", "23,5 °C".encode()),
        "data_hex": ("00ff", b"\0\xff"),
        "data_base64": (base64.b64encode(b"\r\n").decode(), b"\r\n"),
    }
    for key, (value, data) in forms.items():
        since = len(world.mqtt.heard)
        await shed.send("telemetry", json.dumps({key: value}), key)
        envelope = (await world.mqtt.message(shed.topic("socket/telemetry/received"), since=since)).json()
        assert contract_check.problems("received-envelope", envelope) == []
        assert bytes.fromhex(envelope["data_hex"]) == data
        assert envelope["length"] == len(data)
        assert envelope["peer"] == f"127.0.0.1:{server.port}"
    assert server.datagrams == [data for _, data in forms.values()]


async def test_3_6_acknowledgement(world: World) -> None:
    """Section 3.6: the report is switched on before connecting, and SEND: makes the acknowledged receipt."""
    server = await world.tcp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"control": tcp(server.port)})
    await shed.send("control", b"Hello World", "m1")
    receipt = await shed.receipt("control", "m1", "acknowledged")
    assert (receipt["final"], receipt["bytes"], receipt["attempts"]) == (True, 11, 1)
    assert shed.receipts("control", "m1") == ["queued", "sending", "accepted", "acknowledged"]
    commands = emulator.commands()
    assert commands.index("AT+CSOSENDFLAG=1") < next(i for i, c in enumerate(commands) if c.startswith("AT+CSOCON"))
    assert "< SEND: 0,11" in emulator.trace


async def test_3_7_incoming(world: World) -> None:
    """Section 3.7: what the network says unasked is published as it is, byte for byte."""
    server = await world.tcp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"control": tcp(server.port)})
    await until(lambda: server.connections == 1)
    server.writer.write(b"123")
    await shed.received("control", b"123")
    assert "< +CSONMI: 0,6,313233" in emulator.trace
    server.writer.write(bytes(range(256)))
    await until(
        lambda: (
            b"".join(h.payload for h in world.mqtt.all(shed.topic("socket/control/received")))[3:] == bytes(range(256))
        )
    )


async def test_3_8_extra_line_end(world: World) -> None:
    """Section 3.8: an extra CR LF after the echo changes nothing."""
    await plays_along(world, "echo_quirk=yes")


async def test_firmware_that_prints_differently(world: World) -> None:
    """Every other form in which firmware answers is understood: a modem for each of them in one bridge."""
    await plays_along(
        world,
        "spacing=none",
        "cgcontrdp_tail=space",
        "cgcontrdp_tail=full",
        "cereg_rac=no",
        "csoc_read=id",
        "boot=matready",
        "boot=autobaud",
    )


async def plays_along(world: World, *variants: str) -> None:
    """Hold a bridge to a TCP round trip with a modem of each variant."""
    server = await world.tcp(echo=True)
    names = {re.sub(r"\W", "-", variant): variant for variant in variants}
    emulators = {name: await world.emulator("--variant", variant, name=name) for name, variant in names.items()}
    await world.bridge(
        {name: {"port": emulators[name].place, "sockets": {"control": tcp(server.port)}} for name in names}
    )
    for name in names:
        modem = world.modem(name)
        await modem.open("control")
        await modem.send("control", name, "m1")
        await modem.received("control", name.encode())
        await modem.receipt("control", "m1", "acknowledged")
        assert (await modem.online())["counters"]["resyncs"] == 0
