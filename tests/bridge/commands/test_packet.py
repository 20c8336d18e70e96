"""PDN contexts in every layout that firmware prints."""

import pytest

from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.packet import (
    ContextAddress,
    ContextParameters,
    ContextState,
    DefaultApn,
    PacketEvent,
    PacketEventKind,
    ReadAddresses,
    ReadBackoffTimer,
    ReadContextParameters,
    ReadContextStates,
    ReadDefaultApn,
    TrafficCount,
)
from sim7020_bridge.commands.registry import URCS
from tests.bridge.commands.conftest import Ask

V6 = ".".join(str(number) for number in (0x20, 1, 0xD, 0xB8, *[0] * 11, 1))
V6_MASK = ".".join(["255"] * 8 + ["0"] * 8)


@pytest.mark.parametrize(
    ("line", "context"),
    [
        pytest.param(
            '+CGCONTRDP: 1,5,"shnbiot","10.250.0.213.255.255.255.0"',
            ContextParameters(1, 5, "shnbiot", "10.250.0.213", "255.255.255.0"),
            id="four fields",
        ),
        pytest.param(
            '+CGCONTRDP: 1,5,"lpwa.telia.iot","10.81.168.254.255.255.255.0" ',
            ContextParameters(1, 5, "lpwa.telia.iot", "10.81.168.254", "255.255.255.0"),
            id="trailing blank",
        ),
        pytest.param(
            '+CGCONTRDP: 1,5,"iot","10.0.0.2.255.255.255.0","10.0.0.1","192.0.2.1","192.0.2.2",,,,,1358',
            ContextParameters(1, 5, "iot", "10.0.0.2", "255.255.255.0", "10.0.0.1", ("192.0.2.1", "192.0.2.2"), 1358),
            id="with gateway, name servers and MTU",
        ),
        pytest.param(
            '+CGCONTRDP: 1,5,"iot","10.0.0.2.255.255.255.0","10.0.0.1","192.0.2.1","192.0.2.2",,,1358',
            ContextParameters(1, 5, "iot", "10.0.0.2", "255.255.255.0", "10.0.0.1", ("192.0.2.1", "192.0.2.2"), 1358),
            id="ten fields",
        ),
        pytest.param('+CGCONTRDP: 1,5,"shnbiot"', ContextParameters(1, 5, "shnbiot"), id="no address"),
        pytest.param('+CGCONTRDP:1,,"",""', ContextParameters(1), id="all empty"),
        pytest.param('+CGCONTRDP: 1,5,"iot","10.0.0.2"', ContextParameters(1, 5, "iot", "10.0.0.2"), id="without mask"),
        pytest.param(
            f'+CGCONTRDP: 1,5,"iot","{V6}.{V6_MASK}"',
            ContextParameters(1, 5, "iot", "2001:db8::1", "ffff:ffff:ffff:ffff::"),
            id="IPv6",
        ),
        pytest.param(
            '+CGCONTRDP: 1,5,"iot","::1:2/64",,"2001:DB8:1::",,,,,,1500',
            ContextParameters(1, 5, "iot", "::1:2", "ffff:ffff:ffff:ffff::", None, ("2001:DB8:1::",), 1500),
            id="IPv6 with its prefix length",
        ),
        pytest.param(
            '+CGCONTRDP: 1,5,"iot","::1:2 ffff:ffff:ffff:ffff::"',
            ContextParameters(1, 5, "iot", "::1:2", "ffff:ffff:ffff:ffff::"),
            id="IPv6 with its mask in colons",
        ),
        pytest.param(
            '+CGCONTRDP: 1,5,"iot","2001:db8::1"', ContextParameters(1, 5, "iot", "2001:db8::1"), id="IPv6 in colons"
        ),
        pytest.param(
            '+CGCONTRDP: 1,5,"iot","10.0.0.999"', ContextParameters(1, 5, "iot", "10.0.0.999"), id="no address at all"
        ),
    ],
)
def test_context_parameters(ask: Ask, line: str, context: ContextParameters) -> None:
    """Address and mask are one string; what firmware leaves out is not known."""
    assert ask(ReadContextParameters(), line) == (context,)


def test_no_context(ask: Ask) -> None:
    """With the PDN off there is only OK, and no address."""
    assert ask(ReadContextParameters()) == ()
    assert ask(ReadAddresses()) == ()
    assert ask(ReadContextStates()) == ()


@pytest.mark.parametrize(
    ("lines", "states"),
    [
        (("+CGACT: 1,1",), (ContextState(1, active=True),)),
        (("+CGACT:1,0", "+CGACT: 2,1"), (ContextState(1, active=False), ContextState(2, active=True))),
        (("+CGACT: 0",), (ContextState(1, active=False),)),
    ],
)
def test_context_states(ask: Ask, lines: tuple[str, ...], states: tuple[ContextState, ...]) -> None:
    """Each line is a context; the manual's own example has no cid."""
    assert ask(ReadContextStates(), *lines) == states


def test_addresses(ask: Ask) -> None:
    """A context has an address or none, quoted or not, IPv6 as dotted decimals."""
    lines = ('+CGPADDR: 1,"10.250.0.213"', "+CGPADDR: 2", "+CGPADDR: 3,10.0.0.5", f'+CGPADDR: 4,"{V6}"')
    assert ask(ReadAddresses(), f'+CGPADDR: 1,"10.0.2.15","{V6}"') == (ContextAddress(1, "10.0.2.15", "2001:db8::1"),)
    assert ask(ReadAddresses(), *lines) == (
        ContextAddress(1, "10.250.0.213"),
        ContextAddress(2, None),
        ContextAddress(3, "10.0.0.5"),
        ContextAddress(4, "2001:db8::1"),
    )


def test_default_apn(ask: Ask) -> None:
    """The default APN is read with its credentials, and shown without the password."""
    apn = ask(ReadDefaultApn(), '*MCGDEFCONT: "IP","iot","me","secret"')
    assert apn == DefaultApn("IP", "iot", "me", "secret")
    assert "secret" not in repr(apn)
    assert ask(ReadDefaultApn(), '*MCGDEFCONT: "IP","","",""') == DefaultApn("IP", "")
    assert ask(ReadDefaultApn(), '*MCGDEFCONT: "IP"') == DefaultApn("IP", "")


def test_back_off(ask: Ask) -> None:
    """The back-off timer is a number of seconds."""
    assert ask(ReadBackoffTimer(), "+CTRJ: 720") == 720


@pytest.mark.parametrize(
    ("text", "kind", "cid", "reason", "lost"),
    [
        ("NW DETACH", PacketEventKind.NETWORK_DETACHED, None, None, True),
        ("ME DETACH", PacketEventKind.MODULE_DETACHED, None, None, True),
        ("ME PDN ACT 1", PacketEventKind.MODULE_ACTIVATED, 1, None, False),
        ("ME PDN ACT 2,3,1", PacketEventKind.MODULE_ACTIVATED, 2, 3, False),
        ("NW PDN DEACT 1", PacketEventKind.NETWORK_DEACTIVATED, 1, None, True),
        ("ME PDN DEACT 1", PacketEventKind.MODULE_DEACTIVATED, 1, None, True),
        ("NW CLASS CG", None, None, None, False),
    ],
)
def test_packet_events(
    text: str, kind: PacketEventKind | None, cid: int | None, reason: int | None, *, lost: bool
) -> None:
    """Each event names what happened and to which context; an unknown one is kept as text."""
    event = URCS.read(Line.of(f"+CGEV: {text}"))
    assert event == PacketEvent(kind, cid, reason, text)
    assert event.lost is lost


def test_traffic() -> None:
    """The counter gives compressed bytes, bytes and packets, up and down."""
    assert URCS.read(Line.of("*MGCOUNT: 1,2,3,4,5,6,7")) == TrafficCount(1, 2, 3, 4, 5, 6, 7)
