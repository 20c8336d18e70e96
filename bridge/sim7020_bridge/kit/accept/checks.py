"""The checks of an acceptance run, in their order: a check more is a row more."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

from sim7020_bridge.kit.accept import life, line, sockets, stacks
from sim7020_bridge.kit.accept.bench import Bench
from sim7020_bridge.kit.accept.forms import QUESTIONS, SETTINGS, STORED, tried, tried_and_put_back


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to try.

    Args:
        name: What the report calls it.
        does: What is done, as a phrase.
        run: Does it, and returns what was found, as a phrase that may be empty. Raises Amiss, or a BridgeError.
        variants: The variants of the emulator that it may answer.
        costs: Bytes of data that it costs at most, headers included.
        stores: Whether something is stored in the module for a while.
        interrupts: What it does to whoever uses the module meanwhile, as a phrase.
        online: Whether it wants a PDN context.
        echo: Whether it wants an echo host.
    """

    name: str
    does: str
    run: Callable[[Bench], Awaitable[str]]
    variants: tuple[str, ...] = ()
    costs: int = 0
    stores: bool = False
    interrupts: str = ""
    online: bool = False
    echo: bool = False

    @property
    def price(self) -> str:
        """What has to be agreed to before it is done, as a phrase; empty if nothing has."""
        data = f"up to {self.costs} bytes of data" if self.costs else ""
        return "; ".join(
            filter(None, (data, "stored in the module, and put back" if self.stores else "", self.interrupts))
        )


_ADDRESSES: Final = ("cgpaddr_bare", "cgcontrdp_tail", "ipconfig", "ipv6_address")
_OFF: Final = "ends its connections"
_FORGETS: Final = "ends its connections; it forgets settings that are not stored"

CHECKS: Final[Sequence[Check]] = (
    Check("identity", "ask who it is", line.identity),
    Check("line", "look at echo and blanks", line.line, ("spacing", "echo_quirk", "typed_ahead")),
    Check("attached", "wait until it is attached, as probe does", life.attached),
    Check(
        "registration", "read +CEREG and +COPS", line.registration, ("cereg_rac", "cops_format", "cscon"), online=True
    ),
    Check("context", "read the PDN context", line.context, _ADDRESSES, online=True),
    Check("questions", "ask all that the bridge asks", partial(tried, commands=QUESTIONS), online=True),
    Check("settings", "set what a restart forgets", partial(tried_and_put_back, settings=SETTINGS)),
    Check("stored", "set what the module stores", partial(tried_and_put_back, settings=STORED), stores=True),
    Check("dns", "resolve a name", sockets.dns, ("dns",), costs=300, online=True),
    Check("ping", "ping it four times", sockets.ping, costs=800, online=True),
    Check("sockets", "create sockets", sockets.create, ("csoc_read", "csoc_protocols", "csoc_cid", "server")),
    Check("udp", "send 512 bytes", sockets.udp, ("csosend_max",), costs=1100, online=True, echo=True),
    Check("pull", "fetch what came", sockets.pull, ("csorxget_counts",), costs=100, online=True, echo=True),
    Check("data", "send in data mode", sockets.data, ("csodsend_max", "extra_ok"), costs=1700, online=True, echo=True),
    Check("tcp", "send over TCP", sockets.tcp, costs=600, online=True, echo=True),
    Check("SEND", "have TCP acknowledged", sockets.acknowledged, costs=600, stores=True, online=True, echo=True),
    Check(
        "refusals", "connect to the echo host's port 1, where nobody should listen", sockets.refused,
        ("csocon_failure", "unreachable_port"), costs=500, online=True, echo=True,
    ),
    Check("stacks", "look at the other stacks", stacks.at_rest, ("cifsr", "http_create"), online=True),
    Check("page", "fetch a page by HTTP", stacks.page, ("http_hex",), costs=4000, online=True),
    Check(
        "links", "send through the SIM800-compatible stack", stacks.links, ("recv_from", "link_blank"),
        costs=200, interrupts=_OFF, online=True, echo=True,
    ),
    Check("radio", "switch the radio off and on", life.cycled, ("csq_unknown",), interrupts=_OFF, online=True),
    Check("release", "switch the PDN context off and on", life.released, ("cgact_off",), interrupts=_OFF, online=True),
    Check("restart", "restart it", life.restarted, ("boot",), interrupts=_FORGETS),
    Check(
        "sleep", "let it sleep (PSM) for two minutes, if the network lets it", life.slept,
        ("csorcvflag_after_psm",), stores=True, interrupts=_FORGETS, online=True,
    ),
)  # fmt: skip

UNSEEN: Final = MappingProxyType(
    {
        "cereg_denied": "a network would have to deny the module",
        "csoerr_names": "nobody can make a peer or a network cause the codes that differ",
        "csq_table": "there is no other measure of the same power to compare with",
        "wrong_rate": "it is a matter of the line: a real one is garbled at a wrong rate",
    }
)
"""Variants of the emulator that can't be seen from outside, and why."""
