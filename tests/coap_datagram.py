"""CoAP datagrams taken apart and put together, from RFC 7252 section 3 alone: a judge of what the bridge says."""

from dataclasses import dataclass

CON, NON, ACK, RST = range(4)
URI_PATH, MAX_AGE, URI_QUERY, BLOCK2 = 11, 14, 15, 23


@dataclass(frozen=True, slots=True)
class Seen:
    """A datagram as it is on the air; ``code`` is class and detail, as 2.04 is (2, 4)."""

    kind: int
    code: tuple[int, int]
    id: int
    token: bytes = b""
    options: tuple[tuple[int, bytes], ...] = ()
    payload: bytes = b""

    def has(self, option: int) -> list[bytes]:
        """Return the values of an option."""
        return [value for number, value in self.options if number == option]


def taken_apart(data: bytes) -> Seen:
    """Read a datagram, every byte of it; what is none of CoAP fails."""
    first, code = data[0], data[1]
    assert first >> 6 == 1, "version"
    length = first & 0x0F
    assert length <= 8, "token length"
    token, rest = data[4 : 4 + length], data[4 + length :]
    assert len(token) == length, "token"
    options, number = [], 0
    while rest and rest[0] != 0xFF:
        delta, size, rest = rest[0] >> 4, rest[0] & 0x0F, rest[1:]
        delta, rest = _extended(delta, rest)
        size, rest = _extended(size, rest)
        number += delta
        assert len(rest) >= size, "option"
        options.append((number, rest[:size]))
        rest = rest[size:]
    assert rest != b"\xff", "a mark with nothing behind it"
    seen = Seen(
        first >> 4 & 3, (code >> 5, code & 31), int.from_bytes(data[2:4], "big"), token, tuple(options), rest[1:]
    )
    assert code or data[4:] == b"", "an empty message has four bytes"
    return seen


def put_together(seen: Seen) -> bytes:
    """Write a datagram; its options must be in order, and none longer than 268 bytes."""
    data = bytes([0x40 | seen.kind << 4 | len(seen.token), seen.code[0] << 5 | seen.code[1]])
    data += seen.id.to_bytes(2, "big") + seen.token
    number = 0
    for option, value in seen.options:
        delta, more = _written(option - number)
        size, more_size = _written(len(value))
        data += bytes([delta << 4 | size]) + more + more_size + value
        number = option
    return data + (b"\xff" + seen.payload if seen.payload else b"")


def _extended(nibble: int, rest: bytes) -> tuple[int, bytes]:
    assert nibble < 15, "reserved"
    if nibble == 13:
        return rest[0] + 13, rest[1:]
    if nibble == 14:
        return int.from_bytes(rest[:2], "big") + 269, rest[2:]
    return nibble, rest


def _written(value: int) -> tuple[int, bytes]:
    return (value, b"") if value < 13 else (13, bytes([value - 13]))
