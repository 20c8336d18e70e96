"""An address of every kind that the network may give, and what the module tells of it."""

import pytest

from tests.emulator.stage import Theatre, play

NOWHERE = ["ERROR", "+CSOERR: 0,1"]
ZERO = "0.0.0.0"  # noqa: S104 (an address of a PDN)
HEAD = '+CGCONTRDP: 1,5,"shnbiot"'
MASK = "255.255.255.255.255.255.255.255.0.0.0.0.0.0.0.0"
LINK_LOCAL = "254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1"
GLOBAL = "32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.2"


@pytest.mark.parametrize(
    ("address", "told", "dynamic", "connected"),
    [
        ("", ["+CGPADDR: 1"], [HEAD], NOWHERE),
        (ZERO, ['+CGPADDR: 1,"0.0.0.0"'], [f'{HEAD},"0.0.0.0.255.255.255.0"'], NOWHERE),
        ("169.254.3.4", ['+CGPADDR: 1,"169.254.3.4"'], [f'{HEAD},"169.254.3.4.255.255.255.0"'], NOWHERE),
        (
            "fe80::1",
            [f'+CGPADDR: 1,"{LINK_LOCAL}"'],
            [f'{HEAD},"{LINK_LOCAL}.{MASK}"'],
            NOWHERE,
        ),
        (
            "2001:db8::2+10.0.0.5",
            [f'+CGPADDR: 1,"{GLOBAL}","10.0.0.5"'],
            [
                f'{HEAD},"{GLOBAL}.{MASK}"',
                f'{HEAD},"10.0.0.5.255.255.255.0"',
            ],
            ["OK"],
        ),
    ],
    ids=["none", "zero", "link-local", "IPv6 link-local", "IPv6 first"],
)  # fmt: skip
def test_address_of_every_kind(address: str, told: list[str], dynamic: list[str], connected: list[str]) -> None:
    """A PDN may have no address, one that leads nowhere, or two; without one for IPv4 there is no way to a peer."""

    async def act(theatre: Theatre) -> None:
        peer = await theatre.peer("udp")
        theatre.do(f"set address={address}")
        theatre.do("pdn lost")
        await theatre.answers("AT+CGACT=1,1")
        assert await theatre.answers("AT+CGPADDR=1") == [*told, "OK"]
        assert await theatre.answers("AT+CGCONTRDP") == [*dynamic, "OK"]
        in_colons = {LINK_LOCAL: "fe80:0:0:0:0:0:0:1", GLOBAL: "2001:db8:0:0:0:0:0:2"}
        addresses = told[0].replace('"', "").split(",")[1:]
        configured = [f"+IPCONFIG: {in_colons.get(each, each)}" for each in addresses]
        assert await theatre.answers("AT+IPCONFIG") == [*configured, "OK"]
        await theatre.answers("AT+CSOC=1,2,1")
        assert await theatre.answers(f"AT+CSOCON=0,{peer.port},127.0.0.1", 5) == connected

    play(act)
