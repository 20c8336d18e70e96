"""DNS in both forms, and ping."""

import pytest

from sim7020_bridge.at.command import UnknownLine, Urc
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.network import NameResolution, PingReply, ReadDnsServers, ResolveName
from sim7020_bridge.commands.registry import URCS
from tests.bridge.commands.conftest import Ask


def test_answer_before_ok(ask: Ask) -> None:
    """The earliest firmware gives a bare address as the answer."""
    resolution = NameResolution("example.org", ("61.135.169.121",))
    assert ask(ResolveName("example.org"), "+CDNSGIP: 61.135.169.121") == resolution


@pytest.mark.parametrize("line", ['+CDNSGIP: 1,"example.org","192.0.2.1"', "+CDNSGIP: 0,8"])
def test_report_that_overtakes_ok(ask: Ask, line: str) -> None:
    """The later form is a URC, even if it comes before the OK."""
    assert ask(ResolveName("example.org"), line) is None


@pytest.mark.parametrize(
    ("line", "urc", "words"),
    [
        ('+CDNSGIP: 1,"a.org","192.0.2.1"', NameResolution("a.org", ("192.0.2.1",)), ""),
        (
            '+CDNSGIP: 1,"a.org","192.0.2.1","192.0.2.2"',
            NameResolution("a.org", ("192.0.2.1", "192.0.2.2")),
            "",
        ),
        ("+CDNSGIP: 192.0.2.1", NameResolution(None, ("192.0.2.1",)), ""),
        (
            '+CDNSGIP: 1,"a.org","32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1"',
            NameResolution("a.org", ("2001:db8::1",)),
            "it has no IPv4 address that leads anywhere, and the module's sockets need one",
        ),
        (
            '+CDNSGIP: 1,"a.org","2001:db8::1","192.0.2.2"',
            NameResolution("a.org", ("2001:db8::1", "192.0.2.2")),
            "",
        ),
        ("+CDNSGIP: 0,8", NameResolution(None, (), 8), "DNS common error"),
        ("+CDNSGIP: 0,3", NameResolution(None, (), 3), "network error"),
        ("+CDNSGIP: 0,77", NameResolution(None, (), 77), "DNS error 77"),
        ("+CDNSGIP: 0", NameResolution(None, (), 0), "DNS error 0"),
    ],
)
def test_resolutions(line: str, urc: NameResolution, words: str) -> None:
    """Success and failure are read, failures with words."""
    assert URCS.read(Line.of(line)) == urc
    assert urc.words == words


@pytest.mark.parametrize("line", ["+CDNSGIP:", '+CDNSGIP: 1,"a.org"'])
def test_resolution_without_address(line: str) -> None:
    """A success without an address is none."""
    assert URCS.read(Line.of(line)) == UnknownLine(line)


def test_name_servers(ask: Ask) -> None:
    """The answer's lines have names of their own."""
    assert ask(ReadDnsServers(), "PrimaryDns: 192.0.2.1", "SecondaryDns: 192.0.2.2") == ("192.0.2.1", "192.0.2.2")


@pytest.mark.parametrize(
    ("line", "urc", "lost"),
    [
        ("+CIPPING: 1,61.135.169.121,11,52", PingReply(1, "61.135.169.121", 1100, 52), False),
        ("+CIPPING: 2,39.156.66.14,50,0", PingReply(2, "39.156.66.14", 5000, 0), True),
        ("+CIPPING: 2,32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1,5,50", PingReply(2, "2001:db8::1", 500, 50), False),
        ('+CIPPING: 3,"192.0.2.1",100', PingReply(3, "192.0.2.1", 10000, 0), True),
    ],
)
def test_ping_replies(line: str, urc: Urc, *, lost: bool) -> None:
    """A reply without hops left is a lost one."""
    reply = URCS.read(Line.of(line))
    assert reply == urc
    assert isinstance(reply, PingReply)
    assert reply.lost is lost
