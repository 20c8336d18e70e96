"""What is made of what comes from a port whose module does not answer."""

import asyncio

import pytest

from sim7020_bridge.modem.alerts import AlertId, alerts
from tests.bridge.modem.bench import running
from tests.bridge.scripted_module import ScriptedModule, on_virtual_time

NEGOTIATION = b"\xff\xfd\x18\xff\xfd \xff\xfd#\xff\xfd'"
"""What a login server says first: DO, of terminal type, speed, X display and environment (RFC 854)."""
SERIAL_SERVER = b"\xff\xfb\x01\xff\xfb\x03\xff\xfb\x00\xff\xfd\x00\xff\xfd\x1f"
"""WILL echo, suppress go ahead and binary; DO binary and window size."""
GARBAGE = b"\xe3\x9f\xf1\x80"


class Stranger(ScriptedModule):
    """Says something once, and answers nothing."""

    def __init__(self, says: bytes) -> None:
        super().__init__()
        self.deaf = True
        self._says = says

    def write(self, data: bytes) -> None:
        """Take a command line."""
        super().write(data)
        says, self._says = self._says, b""
        if says:
            self._say_raw(says)


@pytest.mark.parametrize(
    ("said", "alert", "words"),
    [
        pytest.param(NEGOTIATION, AlertId.MODULE_SILENT, "like a SIM7020: it negotiates telnet", id="telnet"),
        pytest.param(SERIAL_SERVER, AlertId.MODULE_SILENT, "it negotiates telnet", id="a serial server's telnet"),
        pytest.param(
            NEGOTIATION + b"\r\nshed login: \r\n",
            AlertId.MODULE_SILENT,
            "it negotiates telnet, and it says 'shed login:'",
            id="a login",
        ),
        pytest.param(
            NEGOTIATION + b"shed login: ", AlertId.MODULE_SILENT, "telnet, and it says 'shed login:'", id="its prompt"
        ),
        pytest.param(NEGOTIATION + GARBAGE, AlertId.BAUD_RATE, "not at this baud rate", id="telnet at a wrong rate"),
        pytest.param(GARBAGE, AlertId.BAUD_RATE, "not at this baud rate", id="a wrong rate"),
        pytest.param(GARBAGE + b"\r\n", AlertId.BAUD_RATE, "not at this baud rate", id="with an end"),
        pytest.param(b"\xff\xfc\x80", AlertId.BAUD_RATE, "not at this baud rate", id="no option"),
        pytest.param(
            b"GPGGA,1\r\nGPR" + GARBAGE + b"MC\r\nGPGSV,2\r\n", AlertId.MODULE_SILENT, "'GPGGA,1'", id="a spoilt line"
        ),
    ],
)
@on_virtual_time
async def test_what_talks_at_the_port(said: bytes, alert: AlertId, words: str) -> None:
    """Telnet is told as what it is, and mostly garbage as a wrong rate; the alert names what made sense."""
    async with running(module=Stranger(said), port="socket://shed:23") as bench:
        await bench.until(lambda state: state.silent)
        for _ in range(2):
            ((told, text),) = alerts(bench.modem.store.state).items()
            assert told is alert
            assert words in text.message
            assert ("rfc2217://" in text.advice) is (alert is AlertId.MODULE_SILENT)
            await asyncio.sleep(3600)


class Refusing(ScriptedModule):
    """Says no to whatever it is asked, at once."""

    def _reply(self, _line: str) -> tuple[str, ...]:
        return ("ERROR",)


@on_virtual_time
async def test_who_refuses_everything_is_asked_now_and_then() -> None:
    """It is told as what it says, and not asked as fast as it answers."""
    async with running(module=Refusing()) as bench:
        await bench.until(lambda state: state.silent)
        (text,) = alerts(bench.modem.store.state).values()
        assert "does not answer like a SIM7020: it says ERROR to AT" in text.message
        assert len(bench.module.heard) <= 60


class Chatterbox(ScriptedModule):
    """Says something else each time that its port is opened, and may close it then."""

    def __init__(self, *, closes: bool) -> None:
        super().__init__()
        self.deaf = True
        self._closes = closes
        self._told = 0

    def write(self, data: bytes) -> None:
        """Take a command line."""
        super().write(data)
        if self._told < self.opened:
            self._told = self.opened
            self.say(f"$GPGGA,{120000 + self.opened},4807.038,N")
            if self._closes:
                self.unplug()


@pytest.mark.parametrize(("closes", "alert"), [(False, AlertId.MODULE_SILENT), (True, AlertId.PORT_MISSING)])
@on_virtual_time
async def test_who_says_something_else_each_time_is_told_once(*, closes: bool, alert: AlertId) -> None:
    """A clock in it, as of a GPS receiver or in a server's excuse, is no news."""
    async with running(module=Chatterbox(closes=closes)) as bench:
        await bench.until(lambda state: alert in alerts(state))
        await asyncio.sleep(3600)
        assert bench.module.opened > 50
        assert len({alerts(state)[alert].message for state in bench.states if alert in alerts(state)}) == 1
