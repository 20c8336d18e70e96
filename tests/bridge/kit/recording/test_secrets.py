"""What a recording must not hold."""

import pytest

from sim7020_bridge.kit.recording.secrets import masked, unmasked

SECRET = [
    ("AT+CPIN=1234", "AT+CPIN=****"),
    ("AT+CSQ;+CPIN=1234;+CFUN?", "AT+CSQ;+CPIN=****;+CFUN?"),
    ('AT+CPWD="SC","1234","5678"', 'AT+CPWD="**","****","****"'),
    ('AT+CSTT="apn","user","word"', 'AT+CSTT="***","****","****"'),
    ('AT+CSOSEND=0,4,"3132"', 'AT+CSOSEND=0,4,"****"'),
    ("+CSONMI: 0,4,3132", "+CSONMI: 0,4,****"),
    ('+CMQPUB: 0,"t",0', '+CMQPUB: *,"*",*'),
    ("867997030000001", "*" * 15),
    ("\x01\x02secret", "*" * 8),
]
OPEN = ["AT", "AT+CSQ", "+CSQ: 20,0", "OK", "AT+CMGS=?", '+CLCK: ("SC")', "AT*MCGDEFCONT?", "+CMGS?", "AT+CNUM", "RDY"]


@pytest.mark.parametrize(("line", "shown"), SECRET)
def test_payload_and_identities_become_asterisks(line: str, shown: str) -> None:
    """Each character that must not be seen is an asterisk; the rest, and all lengths, stay."""
    assert masked(line) == shown
    assert masked(shown) == shown
    assert "**" not in unmasked(shown)


@pytest.mark.parametrize("line", OPEN)
def test_the_rest_stays_as_it_is(line: str) -> None:
    """A line without a secret is recorded as it was, and played as it was."""
    assert masked(line) == line
    assert unmasked(line) == line
