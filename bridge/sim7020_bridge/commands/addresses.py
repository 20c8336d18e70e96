"""Addresses as the module prints them: dotted decimals, IPv6 and masks included."""

from ipaddress import IPv4Address, IPv6Address

_IPV4_OCTETS = 4
_IPV6_OCTETS = 16


def dotted_address(text: str) -> str:
    """Return an address in its usual notation; the module prints IPv6 as 16 dotted decimals.

    What is no such address is returned as it is: firmware with ``+CGPIAF`` set differently prints colons.
    """
    octets = _octets(text)
    if octets is None:
        return text
    if len(octets) == _IPV4_OCTETS:
        return str(IPv4Address(octets))
    return str(IPv6Address(octets)) if len(octets) == _IPV6_OCTETS else text


def address_and_mask(text: str | None) -> tuple[str | None, str | None]:
    """Take apart an address with its mask behind it, 8 or 32 dotted decimals; the mask may be missing."""
    octets = None if text is None else _octets(text)
    if octets is None or len(octets) not in {2 * _IPV4_OCTETS, 2 * _IPV6_OCTETS}:
        return (dotted_address(text), None) if text else (None, None)
    half = len(octets) // 2
    kind = IPv4Address if half == _IPV4_OCTETS else IPv6Address
    return str(kind(octets[:half])), str(kind(octets[half:]))


def _octets(text: str) -> bytes | None:
    parts = text.split(".")
    if not all(part.isdecimal() and part.isascii() for part in parts):
        return None
    try:
        return bytes(int(part) for part in parts)
    except ValueError:
        return None
