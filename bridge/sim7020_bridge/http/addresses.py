"""Whom an address stands for."""

from ipaddress import IPv6Address, ip_address


def whose(address: str) -> str:
    """Return what stands for all addresses that somebody has who has this one."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return parsed.exploded[:19] if isinstance(parsed, IPv6Address) and not parsed.is_loopback else str(parsed)
