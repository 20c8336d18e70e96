"""Internet addresses as the module prints them, and as people write them."""

from ipaddress import ip_address


def usual_notation(text: str) -> str:
    """Return an address as people write it; the module prints IPv6 as 16 dotted decimals.

    What is no such address is returned as it is: firmware with ``+CGPIAF`` set differently prints colons.
    """
    try:
        return str(ip_address(octets_of(text)))
    except ValueError:
        return text


def octets_of(text: str) -> bytes:
    """Return a row of dotted decimals as bytes. Raises ValueError if it is none."""
    parts = text.split(".")
    if not all(part.isdecimal() and part.isascii() for part in parts):
        raise ValueError(f"{text!r} is no row of dotted decimals")
    return bytes(int(part) for part in parts)
