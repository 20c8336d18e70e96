"""PDN contexts: the default bearer and those that the user defines."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeAlias

from sim7020_emulator.firmware.profile import Profile
from sim7020_emulator.module.facts import Facts

IPAddress: TypeAlias = IPv4Address | IPv6Address

DEFAULT_CID = 1
"""The context that comes with the attach."""

LAST_CID = 15


@dataclass(slots=True)
class Context:
    """One PDN context."""

    cid: int
    kind: str = "IP"
    apn: str = ""
    active: bool = False
    addresses: tuple[IPAddress, ...] = ()
    defined: bool = False
    auth: tuple[int, str, str] = (0, "", "")

    @property
    def address(self) -> str:
        """The first address as +CGPIAF=0 has it printed; empty: none."""
        return printed(self.addresses[0]) if self.addresses else ""


def printed(address: IPAddress) -> str:
    """Return an address as +CGPIAF=0 has it: 4 or 16 decimals with dots."""
    return ".".join(str(byte) for byte in address.packed)


class Packet:
    """The table of contexts.

    Args:
        report: Emits a +CGEV line, where +CGEREP has switched them on.
    """

    def __init__(self, facts: Facts, profile: Profile, report: Callable[[str], None]) -> None:
        self._facts = facts
        self._profile = profile
        self._report = report
        self._given_out = 0
        self.on_change: Callable[[], None] = lambda: None
        self.contexts: dict[int, Context] = {DEFAULT_CID: Context(DEFAULT_CID)}

    @property
    def default(self) -> Context:
        """The context of the default bearer."""
        return self.contexts[DEFAULT_CID]

    @property
    def activations(self) -> int:
        """Count the sessions so far: how often a context was activated."""
        return self._given_out

    @property
    def online(self) -> bool:
        """Say whether any context is active."""
        return any(context.active for context in self.contexts.values())

    def routes(self, version: int) -> bool:
        """Say whether any address can be used for IPv4 or IPv6; others know only their own link, or nothing at all."""
        return any(
            address.version == version and not (address.is_unspecified or address.is_link_local or address.is_loopback)
            for context in self.contexts.values()
            for address in context.addresses
        )

    def all(self) -> list[Context]:
        """List the contexts by cid."""
        return [self.contexts[cid] for cid in sorted(self.contexts)]

    def apn_of(self, context: Context) -> str:
        """Return the APN that a context asks for, or what the network assigns."""
        if context.cid == DEFAULT_CID and not context.defined:
            return self._profile.text("DEFAULT_APN") or self._facts.apn
        return context.apn or self._facts.apn

    def refuses(self, context: Context) -> bool:
        """Say whether the network refuses a context for its APN."""
        return bool(self._facts.refused_apn) and self.apn_of(context) == self._facts.refused_apn

    def activate(self, cid: int) -> bool:
        """Activate a context; False when the network refuses its APN."""
        context = self.contexts[cid]
        if context.active:
            return True
        if self.refuses(context):
            return False
        apn = self.apn_of(context)
        choices = self._facts.address.split(",")
        given = choices[self._given_out % len(choices)]
        context.apn = apn
        context.addresses = tuple(ip_address(text) for text in given.split("+") if text)
        context.active = True
        self._given_out += 1
        self.event(f"ME PDN ACT {cid}")
        self.on_change()
        return True

    def deactivate(self, cid: int, *, by_network: bool = False) -> None:
        """Release a context."""
        context = self.contexts[cid]
        if context.active:
            context.active = False
            context.addresses = ()
            self.event(f"{'NW PDN DEACT' if by_network else 'ME PDN DEACT'} {cid}")
            self.on_change()

    def detach(self, *, by_network: bool = False) -> None:
        """Release everything and report the detach."""
        self.forget_addresses()
        self.event("NW DETACH" if by_network else "ME DETACH")

    def forget_addresses(self) -> None:
        """Release everything without a word."""
        for context in self.contexts.values():
            context.active = False
            context.addresses = ()
        self.on_change()

    def forget(self) -> None:
        """Lose the contexts that the user defined, and be offline, as after a reset."""
        self.contexts = {DEFAULT_CID: Context(DEFAULT_CID)}

    def event(self, text: str) -> None:
        """Report a packet domain event."""
        if self._profile.number("CGEREP"):
            self._report(f"+CGEV: {text}")
