"""The default PDN context: whether anything can go over it, read out of what the module tells of all contexts."""

from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Final, TypeAlias

from sim7020_bridge.commands.packet import ContextAddress, ContextParameters, ContextState

DEFAULT_CID: Final = 1
"""The PDN context that the module activates by itself (TCP/IP note section 2)."""

NO_ADDRESS: Final = "the network gave no address"
IPV6_ONLY: Final = "the network gave IPv6 addresses only, and the module's sockets are opened over IPv4"

Contexts: TypeAlias = tuple[ContextState, ...] | tuple[ContextParameters, ...] | tuple[ContextAddress, ...]
"""What the module tells of its contexts in one answer."""


@dataclass(frozen=True, slots=True)
class PdnDrops:
    """How often in a row the context was lost soon after it had come up; 0 once it has lasted."""

    times: int


@dataclass(frozen=True, slots=True)
class RequestedApn:
    """The APN that the module was set to ask for."""

    apn: str


@dataclass(frozen=True, slots=True)
class Pdn:
    """The default context: on or off, its APN and IPv4 address; ``wanted`` is False while a user keeps it off.

    ``apn`` is what the network gave, as long as the context is on; ``requested_apn`` what this bridge has had the
    module ask for, None if it leaves that to the module.
    ``lacks`` says in words why nothing can go over it though it is on. An address that nobody tells is not lacking.
    ``drops`` is as PdnDrops has it.
    """

    active: bool | None = None
    cid: int | None = None
    requested_apn: str | None = None
    apn: str | None = None
    address: str | None = None
    wanted: bool = True
    lacks: str | None = None
    drops: int = 0

    @property
    def usable(self) -> bool:
        """Whether sockets can be opened over it; not over one that came up although a user keeps it off."""
        return bool(self.active) and self.wanted and self.lacks is None

    @property
    def words(self) -> str:
        """Why they can't, in words."""
        if not self.wanted:
            return "the PDN context was switched off on request"
        return self.lacks if self.active and self.lacks is not None else "the PDN context is off"

    def told(self, contexts: Contexts | PdnDrops | RequestedApn) -> "Pdn":
        """Return what is known after an answer; one without the default context says nothing about it."""
        if isinstance(contexts, PdnDrops):
            return replace(self, drops=contexts.times)
        if isinstance(contexts, RequestedApn):
            return replace(self, requested_apn=contexts.apn)
        for context in contexts:
            if context.cid != DEFAULT_CID:
                continue
            match context:
                case ContextState(cid, active):
                    known = replace(self, cid=cid, active=active)
                    return known if active else replace(known, apn=None, address=None, lacks=None)
                case ContextParameters():
                    known = replace(self, cid=context.cid, apn=context.apn)
                    return _addressed(known, contexts) if _addresses(contexts) else known
                case ContextAddress():
                    return _addressed(replace(self, cid=context.cid), contexts)
        return self


def usable_address(contexts: Contexts) -> str | None:
    """Return the IPv4 address of the default context, if an answer tells one: the module's sockets know no other."""
    for address in _addresses(contexts):
        with suppress(ValueError):
            known = IPv4Address(address)
            if not (known.is_unspecified or known.is_link_local or known.is_loopback):
                return address
    return None


def _addressed(pdn: Pdn, contexts: Contexts) -> Pdn:
    address = usable_address(contexts)
    if address is not None:
        return replace(pdn, address=address, lacks=None)
    ipv6 = any(":" in each for each in _addresses(contexts))
    return replace(pdn, address=None, lacks=IPV6_ONLY if ipv6 else NO_ADDRESS)


def _addresses(contexts: Contexts) -> tuple[str, ...]:
    """Return all addresses of the default context: one for both stacks has two, or two lines."""
    told: list[str | None] = []
    for context in contexts:
        if context.cid == DEFAULT_CID and not isinstance(context, ContextState):
            told += (context.address, context.second if isinstance(context, ContextAddress) else None)
    return tuple(address for address in told if address is not None)
