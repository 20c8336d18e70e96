"""What nobody may read in a log, a trace or a recording."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge.commands.secrets import mask

SECRET = [
    # payload
    ("+CSONMI: 0,6,313233", "+CSONMI: 0,6,******"),
    ("+CSONMI:0,4,\\x01ab", "+CSONMI:0,4,******"),
    ('AT+CSOSEND=0,6,"313233"', 'AT+CSOSEND=0,6,"******"'),
    ("at+csosend=0,6,313233", "at+csosend=0,6,******"),
    ('AT+CSOSEND=0,0,"a', 'AT+CSOSEND=0,0,"*'),
    ("31323334", "********"),
    ('+CMQPUB: 0,"t",0', '+CMQPUB: *,"*",*'),
    ("\x01\x02secret", "*" * 8),
    # codes of the SIM
    ("AT+CPIN=1234", "AT+CPIN=****"),
    ('AT+CPIN="1234"', 'AT+CPIN="****"'),
    ('AT+CPIN="12345678","4321"', 'AT+CPIN="********","****"'),
    ('AT+CPWD="SC","1234","5678"', 'AT+CPWD="**","****","****"'),
    ('AT+CLCK="SC",1,"1234"', 'AT+CLCK="**",*,"****"'),
    # credentials of an APN
    ('*MCGDEFCONT: "IP","iot","me","secret"', '*MCGDEFCONT: "IP","iot","**","******"'),
    ('AT*MCGDEFCONT="IP","iot","me","secret"', 'AT*MCGDEFCONT="IP","iot","**","******"'),
    ('AT*MCGDEFCONT="IP","a,b","m;e","se,cret"', 'AT*MCGDEFCONT="IP","a,b","*;*","**,****"'),
    ('AT+CGAUTH=1,1,"me","pw"', 'AT+CGAUTH=1,1,"**","**"'),
    ('+CGAUTH: 1,1,"me","pw"', '+CGAUTH: 1,1,"**","**"'),
    ('AT+CSTT="apn","user","word"', 'AT+CSTT="***","****","****"'),
    ('+CSTT: "apn","user","word"', '+CSTT: "***","****","****"'),
    # identities
    ("867997030000001", "***************"),
    ("+CGSN: 867997030000001", "+CGSN: ***************"),
    ("8988228000000000001F", "*" * 20),
    ("8986F2280000000000A", "*" * 19),
    ("+CCID: 89882280000000000017", "+CCID: " + "*" * 20),
    ("86799K030000001", "***************"),
    ("86\\x9c997030000001", "*" * 18),
    ("898822800.0000000001F", "*" * 21),
    ('+CNUM: "","13817825065",129', '+CNUM: "","***********",***'),
    # several commands in a line, and echoes that lost their first characters
    ("ATE0;+CPIN=1234", "ATE0;+CPIN=****"),
    ("AT+CSQ;+CPIN=1234;+CFUN?", "AT+CSQ;+CPIN=****;+CFUN?"),
    ('AT+CPIN=1234;+CGAUTH=1,1,"me;+CSQ","pw";+CSQ', 'AT+CPIN=****;+CGAUTH=1,1,"**;****","**";+CSQ'),
    ("+CPIN=1234", "+CPIN=****"),
    ("x7AT+CPIN=1234", "x7AT+CPIN=****"),
]
OPEN = [
    *("AT", "AT+CSQ", "+CSQ: 20,0", "OK", "RDY", "SEND: 0,11", "1752B01V01SIM7020C", "100.250.100.213"),
    *("AT+CPIN?", "AT+CPIN=?", "+CPIN: SIM PIN", "+CPIN: READY", '+CPINR: "SIM PIN",3,3', "AT+CMGS=?", '+CLCK: ("SC")'),
    *("AT*MCGDEFCONT?", 'AT*MCGDEFCONT="IP","iot"', "+CMGS?", "AT+CNUM", '+CEREG: 2,1,"5B57","01A50B1A",9,"00"'),
]


@pytest.mark.parametrize(("line", "shown"), SECRET)
def test_secrets_become_asterisks(line: str, shown: str) -> None:
    """Each character that must not be seen is an asterisk; the rest, and all lengths, stay."""
    assert mask(line) == shown
    assert mask(shown) == shown


@pytest.mark.parametrize("line", OPEN)
def test_the_rest_is_shown(line: str) -> None:
    """A trace without secrets is a transcript."""
    assert mask(line) == line


@given(st.text(st.sampled_from('AT+CPINGUHSOD=:;,"0123456789 abc*?('), max_size=60))
def test_lengths_stay(line: str) -> None:
    """Whatever a line is, its masked form is as long and is masked no further."""
    assert len(mask(line)) == len(line)
    assert mask(mask(line)) == mask(line)
