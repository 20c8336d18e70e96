"""What goes over the line for each command, what logs show of it, and what is refused."""

import sys
from collections.abc import Callable

import pytest

from sim7020_bridge.at.command import DEFAULT_TIMEOUT, Command, Order
from sim7020_bridge.commands.clock import (
    ReportNetworkTime,
    StartSntp,
    StopSntp,
    UpdateClockFromNetwork,
)
from sim7020_bridge.commands.identity import SetBaudRate
from sim7020_bridge.commands.network import Ping, ResolveName
from sim7020_bridge.commands.packet import ActivateContext, Attach, DeactivateContext, SetDefaultApn
from sim7020_bridge.commands.power import (
    LightSleep,
    SetEdrx,
    SetEdrxWithWindow,
    SetLightSleep,
    SetPowerSaving,
    SetReleaseAssistance,
)
from sim7020_bridge.commands.radio import Functionality, SetFunctionality
from sim7020_bridge.commands.registration import ReportRegistration
from sim7020_bridge.commands.sim import EnterPin
from sim7020_bridge.commands.sockets import (
    CloseSocket,
    ConnectSocket,
    CreateSocket,
    ReadSocketStatus,
    ReceiveAsHex,
    SendData,
    SetPullReceive,
    SocketId,
)
from tests.bridge.command_lines import own_commands

ZERO = SocketId(0)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (SetBaudRate(115200), "AT+IPR=115200"),
        (EnterPin("1234"), "AT+CPIN=1234"),
        (SetFunctionality(Functionality.MINIMUM), "AT+CFUN=0"),
        (SetFunctionality(Functionality.FULL, reset=True), "AT+CFUN=1,1"),
        (ReportRegistration(5), "AT+CEREG=5"),
        (Attach(), "AT+CGATT=1"),
        (ActivateContext(), "AT+CGACT=1,1"),
        (DeactivateContext(2), "AT+CGACT=0,2"),
        (SetDefaultApn("iot.1nce.net"), 'AT*MCGDEFCONT="IP","iot.1nce.net"'),
        (SetDefaultApn("iot", "me", "secret"), 'AT*MCGDEFCONT="IP","iot","me","secret"'),
        (SetDefaultApn("iot", "me"), 'AT*MCGDEFCONT="IP","iot","me",""'),
        (SetPowerSaving(enabled=False), "AT+CPSMS=0"),
        (SetPowerSaving(enabled=False, active_time="00000001"), "AT+CPSMS=0"),
        (SetPowerSaving(enabled=True), "AT+CPSMS=1"),
        (SetPowerSaving(enabled=True, periodic_tau="01011111"), 'AT+CPSMS=1,,,"01011111"'),
        (SetPowerSaving(enabled=True, active_time="00000001"), 'AT+CPSMS=1,,,,"00000001"'),
        (SetLightSleep(LightSleep.WHEN_IDLE), "AT+CSCLK=2"),
        (SetReleaseAssistance(1), "AT+CNBIOTRAI=1"),
        (SetEdrx(0), "AT+CEDRXS=0"),
        (SetEdrx(2, "0010"), 'AT+CEDRXS=2,5,"0010"'),
        (SetEdrxWithWindow(1, "0010", "0011"), 'AT*MEDRXCFG=1,5,"0010","0011"'),
        (UpdateClockFromNetwork(), "AT+CTZU=1"),
        (ReportNetworkTime(), "AT+CLTS=1"),
        (StartSntp("pool.ntp.org"), 'AT+CSNTPSTART="pool.ntp.org"'),
        (StartSntp("pool.ntp.org", -5), 'AT+CSNTPSTART="pool.ntp.org","-05"'),
        (StopSntp(), "AT+CSNTPSTOP"),
        (ResolveName("example.org"), 'AT+CDNSGIP="example.org"'),
        (Ping("192.0.2.1", 2, 64, 50), 'AT+CIPPING="192.0.2.1",2,64,50'),
        (CreateSocket(stream=True), "AT+CSOC=1,1,1"),
        (CreateSocket(stream=False), "AT+CSOC=1,2,1"),
        (ConnectSocket(ZERO, 5005, "192.0.2.1"), 'AT+CSOCON=0,5005,"192.0.2.1"'),
        (SendData(ZERO, b"\x00\xffJ"), 'AT+CSOSEND=0,6,"00FF4A"'),
        (CloseSocket(SocketId(4)), "AT+CSOCL=4"),
        (ReadSocketStatus(ZERO), "AT+CSOSTATUS=0"),
        (ReceiveAsHex(), "AT+CSORCVFLAG=0"),
        (SetPullReceive(enabled=False), "AT+CSORXGET=0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_command_lines(command: Command[object], line: str) -> None:
    """The line is the manual's, to the letter."""
    assert command.line() == line


@pytest.mark.parametrize(
    ("command", "shown", "secrets"),
    [
        (EnterPin("1234"), "AT+CPIN=****", ["1234"]),
        (SetDefaultApn("iot", "me", "secret"), 'AT*MCGDEFCONT="IP","iot","**","******"', ["secret"]),
        (SendData(ZERO, b"123"), 'AT+CSOSEND=0,6,"******"', ["123", "313233"]),
    ],
)
def test_secrets_are_hidden(command: Command[object], shown: str, secrets: list[str]) -> None:
    """Neither logs nor tracebacks show PIN, password or payload."""
    assert command.shown() == shown
    assert not [secret for secret in secrets if secret in repr(command)]


@pytest.mark.parametrize("bad", ['a"b', "a\rb", "a\nb", "a\x1ab", "a\x00b", "a\u00e9b", "a\x7f"])
@pytest.mark.parametrize(
    "make",
    [
        SetDefaultApn,
        lambda text: SetDefaultApn("iot", text),
        lambda text: SetDefaultApn("iot", "me", text),
        ResolveName,
        Ping,
        StartSntp,
        EnterPin,
        lambda text: ConnectSocket(ZERO, 1, text),
    ],
)
def test_nothing_can_be_injected(make: Callable[[str], Command[object]], bad: str) -> None:
    """A string that could break out of its quotes is refused, and not shown."""
    with pytest.raises(ValueError, match=r"may hold|consists of") as refused:
        make(bad)
    assert bad not in str(refused.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SetBaudRate(12345),
        lambda: EnterPin("123"),
        lambda: EnterPin("123456789"),
        lambda: SetFunctionality(Functionality.UNKNOWN),
        lambda: ReportRegistration(6),
        lambda: SetPowerSaving(enabled=True, periodic_tau="0101"),
        lambda: SetPowerSaving(enabled=True, active_time="0000000x"),
        lambda: SetReleaseAssistance(3),
        lambda: SetEdrx(4),
        lambda: SetEdrx(1, "00100"),
        lambda: SetEdrxWithWindow(1, "0010", "1"),
        lambda: StartSntp("pool.ntp.org", 96),
        lambda: Ping("192.0.2.1", 0),
        lambda: Ping("192.0.2.1", 101),
        lambda: Ping("192.0.2.1", 1, 5121),
        lambda: Ping("192.0.2.1", 1, 32, 601),
        lambda: ConnectSocket(ZERO, 0, "192.0.2.1"),
        lambda: ConnectSocket(ZERO, 65536, "192.0.2.1"),
        lambda: ConnectSocket(SocketId(5), 1, "192.0.2.1"),
        lambda: CloseSocket(SocketId(-1)),
        lambda: SendData(ZERO, b""),
        lambda: SendData(ZERO, bytes(513)),
        lambda: SendData(SocketId(5), b"1"),
    ],
)
def test_values_out_of_range(make: Callable[[], Command[object]]) -> None:
    """What the module would refuse is refused before it is sent."""
    with pytest.raises(ValueError, match=r"must|may|no |can't"):
        make()


def test_longest_line_fits() -> None:
    """The longest command line is shorter than the module's 2048 characters after AT."""
    assert len(SendData(ZERO, bytes(512)).line()) < 2048


SLOW = {
    "ActivateContext": 150,
    "Attach": 150,
    "ChooseOperator": 150,
    "DeactivateContext": 150,
    "SetFunctionality": 40,
    "ReadImsi": 20,
    "CreateSocket": 10,
    "CloseSocket": 10,
    "ConnectSocket": 120,
    "SendData": 60,
    "ResolveName": 60,
}
"""Seconds that the manual, drivers in the field or what the network is asked for give a command, if more than five."""


def test_who_may_take_long() -> None:
    """A lost result stops all traffic until it is given up, so what the module itself knows has little time."""
    assert {kind.__name__: kind.timeout for kind in own_commands() if kind.timeout > DEFAULT_TIMEOUT} == SLOW


@pytest.mark.parametrize("command", sorted(own_commands(), key=str))
def test_declarations(command: type[Command[object]]) -> None:
    """Each command is a frozen value, names its words first and its source after, and has a deadline."""
    assert getattr(command, "__dataclass_params__").frozen  # noqa: B009 - mypy knows no such attribute
    assert (command.__doc__ or "").startswith(("+", "*", "ATE0", "ATV1"))
    assert "manual V1.05" in (sys.modules[command.__module__].__doc__ or "")
    assert command.timeout > 0
    assert command.answer_names or issubclass(command, Order)
