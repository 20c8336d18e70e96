"""Sockets: answers, data and errors."""

import pytest

from sim7020_bridge.at.command import Command, UnknownLine, Urc
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.commands.sockets import (
    SOCKET_ERRORS,
    Acknowledged,
    ClientConnected,
    CreateSocket,
    DataAcknowledged,
    DataReceived,
    DataWaiting,
    ReadAcknowledged,
    ReadSockets,
    ReadSocketStatus,
    SendData,
    SocketFailed,
    SocketId,
)
from sim7020_bridge.errors import CommandRefused, MalformedAnswer
from tests.bridge.commands.conftest import Ask

ZERO = SocketId(0)
EVERY_BYTE = bytes(range(256))


@pytest.mark.parametrize(
    ("command", "lines", "result"),
    [
        (CreateSocket(stream=True), ("+CSOC: 4",), 4),
        (CreateSocket(stream=False), ("+CSOC:0",), 0),
        (ReadSockets(), (), ()),
        (ReadSockets(), ("+CSOC: 0,1,2,1", "+CSOC: 3,1,1,1"), (0, 3)),
        (ReadSockets(), ("+CSOC: 0", "+CSOC: 1"), (0, 1)),
        (ReadSocketStatus(ZERO), ("+CSOSTATUS: 0,2",), 2),
        (ReadSocketStatus(ZERO), ("+CSOSTATUS: 0,9",), 9),
        (ReadAcknowledged(ZERO), ("+CSOACK: 0,5,4",), Acknowledged(5, 4)),
    ],
)
def test_answers(ask: Ask, command: Command[object], lines: tuple[str, ...], result: object) -> None:
    """Each answer is read in all its layouts, and URCs in between are left alone."""
    assert ask(command, *lines) == result


def test_acknowledgements_of_another_socket(ask: Ask) -> None:
    """They are none of this one's."""
    with pytest.raises(MalformedAnswer, match="another socket"):
        ask(ReadAcknowledged(ZERO), "+CSOACK: 1,5,4")


@pytest.mark.parametrize(
    ("line", "urc"),
    [
        ("+CSONMI: 0,6,313233", DataReceived(ZERO, b"123")),
        ("+CSONMI:0,6,313233", DataReceived(ZERO, b"123")),
        ('+CSONMI: 0,6,"313233"', DataReceived(ZERO, b"123")),
        ("+CSONMI: 4,4,c0fe", DataReceived(SocketId(4), b"\xc0\xfe")),
        (f"+CSONMI: 0,512,{EVERY_BYTE.hex().upper()}", DataReceived(ZERO, EVERY_BYTE)),
        ("+CSONMI: 0,0,", DataReceived(ZERO, b"")),
        ("SEND: 0,11", DataAcknowledged(ZERO, 11)),
        ("SEND:0,11", DataAcknowledged(ZERO, 11)),
        ("+CSORXGET: 1,0", DataWaiting(ZERO)),
        ("+NEW CLIENT CONNEC: 1", ClientConnected(SocketId(1))),
    ],
)
def test_reports(line: str, urc: Urc) -> None:
    """What sockets report is read byte for byte."""
    assert URCS.read(Line.of(line)) == urc


@pytest.mark.parametrize(
    "line",
    ["+CSONMI: 0,4,****", "+CSONMI: 0,6,3132", "+CSONMI: 0,2,3132", "+CSONMI: 0,6", "+CSORXGET: 4,0,5", "SEND: 0"],
)
def test_broken_reports(line: str) -> None:
    """Raw mode, wrong counts and late answers are no data, and are kept as text."""
    assert URCS.read(Line.of(line)) == UnknownLine(line)


def test_payload_stays_out_of_logs() -> None:
    """Neither what came nor what goes shows in a repr or an error, and an error is short."""
    assert str(CommandRefused(SendData(ZERO, bytes(512)).shown(), "ERROR")) == 'AT+CSOSEND=0,1024,"***": ERROR'
    assert "secret" not in repr(DataReceived(ZERO, b"secret")) + repr(SendData(ZERO, b"secret"))


@pytest.mark.parametrize("code", [-1, *range(1, 13)])
def test_every_error_has_words(code: int) -> None:
    """Each code of the note and the manual has a name for machines and words for people."""
    failure = URCS.read(Line.of(f"+CSOERR: 2,{code}"))
    assert failure == SocketFailed(SocketId(2), code)
    assert (failure.name, failure.words) == SOCKET_ERRORS[code]


def test_error_names_are_unique() -> None:
    """No two codes share a name."""
    assert len({name for name, _ in SOCKET_ERRORS.values()}) == len(SOCKET_ERRORS)


def test_unknown_error() -> None:
    """A code that nobody knows is a fact and no error."""
    failure = SocketFailed(ZERO, 99)
    assert (failure.name, failure.words) == ("error_99", "socket error 99")


def test_orderly_close_is_told_as_one() -> None:
    """Code 4 is the peer's own end of a connection, not a socket that was never connected."""
    assert SocketFailed(ZERO, 4).words == "the connection was closed by the peer"
