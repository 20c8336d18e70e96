"""A masked line, as a driver can read it."""

import pytest

from sim7020_bridge.kit.recording.replay import unmasked


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("+CSONMI: 0,4,****", "+CSONMI: 0,4,0000"),
        ('+CMQPUB: *,"*",*', '+CMQPUB: *,"0",0'),
        ("AT*MCGDEFCONT?", "AT*MCGDEFCONT?"),
        ("*" * 15, "0" * 15),
        ("+CSQ: 20,0", "+CSQ: 20,0"),
    ],
)
def test_zeros_stand_where_asterisks_do(line: str, read: str) -> None:
    """Asterisks become digits; one that belongs to a name stays."""
    assert unmasked(line) == read
