"""One way to say AT and wait for OK, timed: ``python contender.py NAME PORT COUNT`` prints nanoseconds as JSON.

Run by path in the environment that has the library, so it imports nothing of this project but what it measures. Each
library is used as its own documentation does it, with no pause of ours in between.
"""

import asyncio
import importlib
import json
import os
import sys
import time
import tty
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

_BAUD = 115200
_WARM_UP = 5


def _timed(say: Callable[[], object], count: int) -> list[int]:
    times = []
    for _ in range(_WARM_UP + count):
        began = time.perf_counter_ns()
        say()
        times.append(time.perf_counter_ns() - began)
    return times[_WARM_UP:]


async def _awaited(say: Callable[[], Awaitable[object]], count: int) -> list[int]:
    times = []
    for _ in range(_WARM_UP + count):
        began = time.perf_counter_ns()
        await say()
        times.append(time.perf_counter_ns() - began)
    return times[_WARM_UP:]


def _bare(port: str, count: int) -> list[int]:
    descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(descriptor)

    def say() -> None:
        os.write(descriptor, b"AT\r")
        heard = b""
        while not heard.endswith(b"OK\r\n"):
            heard += os.read(descriptor, 4096)

    return _timed(say, count)


def _asyncio_alone(port: str, count: int) -> list[int]:
    """Time what the event loop costs by itself: whoever uses asyncio can't be quicker."""
    descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(descriptor)

    async def run() -> list[int]:
        loop = asyncio.get_running_loop()
        heard, answered = b"", loop.create_future()

        def readable() -> None:
            nonlocal heard
            heard += os.read(descriptor, 4096)
            if heard.endswith(b"OK\r\n"):
                answered.set_result(None)

        async def say() -> None:
            nonlocal heard, answered
            heard, answered = b"", loop.create_future()
            os.write(descriptor, b"AT\r")
            await answered

        loop.add_reader(descriptor, readable)
        return await _awaited(say, count)

    return asyncio.run(run())


def _bridge(port: str, count: int) -> list[int]:
    channel_module = importlib.import_module("sim7020_bridge.at.channel")
    command_module = importlib.import_module("sim7020_bridge.at.command")
    port_module = importlib.import_module("sim7020_bridge.port.port")

    async def run() -> list[int]:
        wire = await port_module.open_port(port, _BAUD)
        urcs = command_module.UrcTable(())
        channel = channel_module.Channel(wire, urcs=urcs, on_urc=lambda _: None)
        running = asyncio.create_task(channel.run())
        attention = command_module.Probe(1.0)
        try:
            return await _awaited(lambda: channel.execute(attention), count)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await wire.aclose()

    return asyncio.run(run())


def _async_gsm_modem(port: str, count: int) -> list[int]:
    modem_module = importlib.import_module("async_gsm_modem.base.modem")
    command = importlib.import_module("async_gsm_modem.base.command").Command(b"AT")

    async def run() -> list[int]:
        modem = modem_module.ATModem(port, _BAUD)
        await modem.connect()
        try:
            return await _awaited(lambda: modem.send_command(command), count)
        finally:
            await modem.close()

    return asyncio.run(run())


def _gsmmodem(port: str, count: int) -> list[int]:
    serial: Any = importlib.import_module("serial")
    comms_module = importlib.import_module("gsmmodem.serial_comms")

    class WithoutFlowControl(serial.Serial):  # type: ignore[misc]
        """A pty has no RTS and DTR lines, which this library insists on."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **(options | {"dsrdtr": False, "rtscts": False}))

    comms_module.serial.Serial = WithoutFlowControl
    comms = comms_module.SerialComms(port, _BAUD)
    comms.connect()
    try:
        return _timed(lambda: comms.write("AT\r"), count)
    finally:
        comms.close()


def _atlib(port: str, count: int) -> list[int]:
    device = importlib.import_module("atlib.AT_Device").AT_Device(port, _BAUD)
    return _timed(lambda: device.command("AT"), count)


def _pyatcommand(port: str, count: int) -> list[int]:
    client = importlib.import_module("pyatcommand").AtClient()
    client.connect(port=port, baudrate=_BAUD)
    try:
        return _timed(lambda: client.send_command("AT"), count)
    finally:
        client.disconnect()


def _tutorial(port: str, count: int) -> list[int]:
    device = importlib.import_module("serial").Serial(port, _BAUD, timeout=1)

    def say() -> None:
        device.write(b"AT\r")
        time.sleep(0.1)
        if b"OK" not in device.read(device.in_waiting):
            raise RuntimeError("no OK")

    return _timed(say, count)


CONTENDERS: Mapping[str, Callable[[str, int], list[int]]] = {
    "bare loop": _bare,
    "asyncio alone": _asyncio_alone,
    "sim7020-bridge": _bridge,
    "async-gsm-modem": _async_gsm_modem,
    "python-gsmmodem-new": _gsmmodem,
    "atlib": _atlib,
    "pyatcommand": _pyatcommand,
    "write, sleep 0.1 s, read": _tutorial,
}

if __name__ == "__main__":
    sys.stdout.write(f"{json.dumps(CONTENDERS[sys.argv[1]](sys.argv[2], int(sys.argv[3])))}\n")
