"""Every command in its four forms, as the manual's tables have them."""

import pytest

from sim7020_emulator.emulator import Setup
from sim7020_emulator.handlers.registry import COMMANDS
from sim7020_emulator.module.models import MODELS
from tests.emulator.bench import Bench

OK = "OK"
ERROR = "ERROR"
NOT = (ERROR,)
"""A form that the manual does not have."""

# Test, read, write (with the arguments sent), execute; a text is the information before OK.
FORMS: dict[str, tuple[object, object, tuple[str, object] | None, object]] = {
    "+CMEE": ("+CMEE: (0-2)", "+CMEE: 0", ("1", OK), NOT),
    "+IPR": (
        "+IPR: (0),(110,300,1200,2400,4800,9600,19200,38400,57600,115200,230400,460800,921600,3000000)",
        "+IPR: 115200",
        ("9600", OK),
        NOT,
    ),
    "+IFC": ("+IFC: (0-2),(0-2)", "+IFC: 0,0", ("2,2", OK), NOT),
    "+ICF": ("+ICF: (1-6),(0-3)", "+ICF: 3,3", ("3,3", OK), NOT),
    "+CSCS": ('+CSCS: ("GSM","HEX","IRA","PCCP","PCDN","UCS2","8859-1")', '+CSCS: "IRA"', ('"GSM"', OK), NOT),
    "+GMI": (OK, NOT, None, "SIMCOM_Ltd"),
    "+CGMI": (OK, NOT, None, "SIMCOM_Ltd"),
    "+GMM": (OK, NOT, None, "SIM7020E"),
    "+CGMM": (OK, NOT, None, "SIM7020E"),
    "+GMR": (OK, NOT, None, "1752B01V01SIM7020E"),
    "+CGMR": (OK, NOT, None, "1752B01V01SIM7020E"),
    "+GOI": (OK, NOT, None, "SIM7020E"),
    "+CGOI": (OK, NOT, None, "SIM7020E"),
    "+GSN": (OK, NOT, None, "866207050000016"),
    "+CGSN": (OK, NOT, ("1", "+CGSN: 866207050000016"), "866207050000016"),
    "+GSV": (NOT, NOT, None, ("SIMCOM_Ltd", "SIM7020E", "Revision: 1752B01SIM7020E")),
    "+CIMI": (OK, NOT, None, "460010000000001"),
    "+CCID": (OK, NOT, None, "89860100000000000019"),
    "+ICCID": (OK, NOT, None, "89860100000000000019"),
    "+CNUM": (OK, NOT, None, OK),
    "+CPIN": (OK, "+CPIN: READY", ('"1234"', NOT), NOT),
    "+CPINR": (
        OK,
        NOT,
        ('"SIM PUK"', '+CPINR: "SIM PUK",10,10'),
        (
            '+CPINR: "SIM PIN",3,3',
            '+CPINR: "SIM PUK",10,10',
            '+CPINR: "SIM PIN2",3,3',
            '+CPINR: "SIM PUK2",10,10',
        ),
    ),
    "+CLCK": ('+CLCK: ("SC")', NOT, ('"SC",2', "+CLCK: 0"), NOT),
    "+CPWD": ('+CPWD: ("SC",8)', NOT, ('"SC","1234","4321"', NOT), NOT),
    "+CSMINS": ("+CSMINS: (0-1)", "+CSMINS: 0,1", ("1", OK), NOT),
    "+CFUN": ("+CFUN: (0,1,4,7),(0-2)", "+CFUN: 1", ("1", OK), NOT),
    "+CSQ": ("+CSQ: (0-31,99),(0-7,99)", NOT, None, "+CSQ: 20,0"),
    "+EXUNSOL": ('+EXUNSOL: ("SQ")', NOT, ('"SQ",2', "+EXUNSOL: 0"), NOT),
    "+CENG": ("+CENG: (0-1)", '+CENG: 3734,2,52,"01A50B1A",-85,-8,-77,12,8,"5B57",0,50,-85', ("0", OK), NOT),
    "+CREG": ("+CREG: (0-2)", "+CREG: 0,1", ("2", OK), NOT),
    "+CGREG": ("+CGREG: (0-2)", "+CGREG: 0,1", ("2", OK), NOT),
    "+CEREG": ("+CEREG: (0-5)", "+CEREG: 0,1", ("5", OK), OK),
    "+COPS": (
        '+COPS: (2,"CHN-UNICOM","CHN-UNICOM","46001",9),,(0,1,2,3,4),(0,1,2)',
        '+COPS: 0,0,"CHN-UNICOM",9',
        ("0", OK),
        NOT,
    ),
    "+CGATT": ("+CGATT: (0-1)", "+CGATT: 1", ("1", OK), NOT),
    "+CGACT": ("+CGACT: (0-1)", "+CGACT: 1,1", ("1,1", OK), NOT),
    "+CGDCONT": (
        tuple(
            f'+CGDCONT: (1-15),"{kind}",,,(0-2),(0-4),(0),,,,(0-1),,(0-1),,(0-1)'
            for kind in ("IP", "IPV6", "IPV4V6", "Non-IP")
        ),
        OK,
        ('2,"IP","other"', OK),
        NOT,
    ),
    "*MCGDEFCONT": (
        '*MCGDEFCONT: ("IP","IPV6","IPV4V6","Non-IP")',
        '*MCGDEFCONT: "IP","","",""',
        ('"IP","3GNET"', OK),
        NOT,
    ),
    "+CGPADDR": ("+CGPADDR: (1)", NOT, ("1", '+CGPADDR: 1,"10.250.0.213"'), '+CGPADDR: 1,"10.250.0.213"'),
    "+IPCONFIG": (NOT, NOT, None, "+IPCONFIG: 10.250.0.213"),
    "+CGCONTRDP": (
        "+CGCONTRDP: (1)",
        NOT,
        ("1", '+CGCONTRDP: 1,5,"shnbiot","10.250.0.213.255.255.255.0"'),
        '+CGCONTRDP: 1,5,"shnbiot","10.250.0.213.255.255.255.0"',
    ),
    "+CGPIAF": ("+CGPIAF: (0,1),(0,1),(0,1),(0,1)", "+CGPIAF: 0,0,0,0", ("1", OK), NOT),
    "+CGAUTH": ("+CGAUTH: (1-15),(0-1),,", OK, ("1", '+CGAUTH: 1,0,"",""'), NOT),
    "+CGEREP": ("+CGEREP: (0-1),(0)", "+CGEREP: 0,0", ("1", OK), NOT),
    "*MGCOUNT": ("*MGCOUNT: (0-2),(1-15),(0-86400)", "*MGCOUNT: 1,0,0,0,0,0,0", ("0,1", OK), NOT),
    "+CBAND": ("+CBAND: (1,3,5,8,20,28)", "+CBAND: 8", ("3,8,20", OK), NOT),
    "+CBANDSL": ("+CBANDSL: (0-1),(1-4),(1-255)", OK, ("1,2,8,20", OK), NOT),
    "+CPSMS": (
        '+CPSMS: (0-2),,,("00000000"-"11011111"),("00000000"-"11111111")',
        "+CPSMS: 0",
        ('1,,,"01011111","00000001"', OK),
        NOT,
    ),
    "+CPSMSTATUS": ("+CPSMSTATUS: (0-1)", "+CPSMSTATUS: 1", ("0", OK), NOT),
    "+CEDRXS": ('+CEDRXS: (0-3),(5),("0000"-"1111")', '+CEDRXS: 5,"0000"', ('1,5,"0010"', OK), NOT),
    "+CEDRXRDP": (OK, NOT, None, "+CEDRXRDP: 0"),
    "+CNBIOTRAI": ("+CNBIOTRAI: (0-2)", "+CNBIOTRAI: 0", ("2", OK), NOT),
    "+CSCLK": ("+CSCLK: (0-2)", "+CSCLK: 0", ("1", OK), NOT),
    "+CBC": ("+CBC: (0-100),(voltage)", NOT, None, "+CBC: 88,3418"),
    "+CCLK": (OK, "+CCLK: 00/01/01,00:00:00+32", ('"20/03/20,15:34:15+32"', OK), NOT),
    "+CTZR": ("+CTZR: (0-1)", "+CTZR: 0", ("1", OK), NOT),
    "+CTZU": ("+CTZU: (0-1)", "+CTZU: 0", ("1", OK), NOT),
    "+CLTS": ("+CLTS: (0-1)", "+CLTS: 0", ("1", OK), NOT),
    "+CURTC": ("+CURTC: (0,1)", "+CURTC: 1", ("0", "+CURTC: 0"), NOT),
    "+CSNTPSTART": (NOT, NOT, ('"pool.ntp.org","+32"', OK), NOT),
    "+CSNTPSTOP": (NOT, NOT, None, OK),
    "+CDNSCFG": (
        '+CDNSCFG: ("Primary DNS"),("Secondary DNS")',
        ("PrimaryDns: 114.114.114.114", "SecondaryDns: 119.29.29.29"),
        ('"8.8.8.8"', OK),
        NOT,
    ),
    "+CDNSGIP": (OK, NOT, ('"name.example"', OK), NOT),
    "+CIPPING": ("+CIPPING: (1-100),(0-5120),(1-600)", "+CIPPING: 4,32,100", ('"192.0.2.1"', OK), NOT),
    "+CSOC": ("+CSOC: (1-2),(1-3),(1-2)", OK, ("1,2,1", "+CSOC: 0"), NOT),
    "+CSOCON": (OK, OK, ('0,1,"192.0.2.1"', NOT), NOT),
    "+CSOB": (OK, OK, ("0,5000", NOT), NOT),
    "+CSOLIS": (OK, OK, ("0", NOT), NOT),
    "+CSOSEND": (OK, NOT, ('0,2,"00"', NOT), NOT),
    "+CSOCL": (OK, NOT, ("0", NOT), NOT),
    "+CSODSEND": (OK, NOT, ("0,1", NOT), NOT),
    "+CSOSENDFLAG": ("+CSOSENDFLAG: (0,1)", "+CSOSENDFLAG: 0", ("1", OK), NOT),
    "+CSORCVFLAG": ("+CSORCVFLAG: (0,1)", "+CSORCVFLAG: 0", ("1", OK), NOT),
    "+CSOSTATUS": ("+CSOSTATUS: (0-4)", NOT, ("4", "+CSOSTATUS: 4,0"), NOT),
    "+CSOACK": ("+CSOACK: (0-4)", NOT, ("0", NOT), OK),
    "+CSOALIVE": ("+CSOALIVE: (0-4),(0-1),(30-7200),(30-600),(1-9)", OK, ("0,1", NOT), NOT),
    "+CSORXGET": ("+CSORXGET: (0-4),(0-4),(1-1460)", "+CSORXGET: 0", ("1", OK), NOT),
    "+RETENTION": ("+RETENTION: (0-1)", "+RETENTION: 0", ("1", OK), NOT),
    "+CREVHEX": ("+CREVHEX: (0-1)", "+CREVHEX: 0", ("1", OK), NOT),
    "+CSTT": (OK, '+CSTT: "","",""', ('"iot.example","",""', OK), OK),
    "+CIICR": (OK, NOT, None, NOT),
    "+CIFSR": (OK, NOT, None, None),
    "+CIFSREX": (OK, NOT, None, "+CIFSREX: 10.250.0.213"),
    "+CIPMUX": ("+CIPMUX: (0-1)", "+CIPMUX: 0", ("1", OK), NOT),
    "+CIPQSEND": ("+CIPQSEND: (0-1)", "+CIPQSEND: 0", ("1", OK), NOT),
    "+CIPHEAD": ("+CIPHEAD: (0-1)", "+CIPHEAD: 0", ("1", OK), NOT),
    "+CIPSRIP": ("+CIPSRIP: (0-1)", "+CIPSRIP: 0", ("1", OK), NOT),
    "+CIPHEXS": ("+CIPHEXS: (0,2)", "+CIPHEXS: 0", ("2", OK), NOT),
    "+CIPATS": ("+CIPATS: (0-1),(1-100)", "+CIPATS: 0", ("1,5", OK), NOT),
    "+CIPRXGET": ("+CIPRXGET: (0-4),(1-1460)", "+CIPRXGET: 0", ("1", OK), NOT),
    "+CIPSTART": (OK, NOT, ('"TCP","192.0.2.1",0', NOT), NOT),
    "+CIPSEND": (OK, NOT, ("5", NOT), NOT),
    "+CIPCLOSE": (OK, NOT, ("1", NOT), NOT),
    "+CIPSHUT": (OK, NOT, None, None),
    "+CIPSTATUS": (OK, NOT, ("0", NOT), OK),
    "+CIPMODE": ("+CIPMODE: (0-1)", "+CIPMODE: 0", ("1", OK), NOT),
    "+CIPCHAN": (OK, NOT, None, NOT),
    "+CIPSERVER": ("+CIPSERVER: (0-1),(1-65535)", "+CIPSERVER: 0", ("0", NOT), NOT),
    "+CHTTPCREATE": (
        OK,
        tuple(f"+CHTTPCREATE: {number},0,(null)" for number in range(5)),
        ('"http://a/"', "+CHTTPCREATE: 0"),
        NOT,
    ),
    "+CHTTPCON": (OK, tuple(f"+CHTTPCON: {number},0,(null)" for number in range(5)), ("0", NOT), NOT),
    "+CHTTPSEND": (OK, NOT, ('0,0,"/"', NOT), NOT),
    "+CHTTPDISCON": (OK, NOT, ("0", NOT), NOT),
    "+CHTTPDESTROY": (OK, NOT, ("0", NOT), NOT),
    "+CRESET": (OK, NOT, None, None),
    "+CPOWD": (NOT, NOT, None, NOT),
    "+CMUX": (
        "+CMUX: (0),(0),(0-12),(31-4096),(1-254),(0-100),(2-255),(1-255),(1-7)",
        "+CMUX: 0,0,0,31,10,3,30,10,2",
        ("0", NOT),
        NOT,
    ),
}


def _lines(expected: object) -> list[str]:
    if expected is NOT or expected == OK:
        return [str(expected) if expected == OK else ERROR]
    texts = expected if isinstance(expected, tuple) else (expected,)
    return [*(str(text) for text in texts), OK]


def _cases() -> list[object]:
    cases: list[object] = []
    for name, (test, read, write, execute) in FORMS.items():
        cases.append(pytest.param(f"AT{name}=?", _lines(test), id=f"{name}=?"))
        cases.append(pytest.param(f"AT{name}?", _lines(read), id=f"{name}?"))
        if write is None:
            if name != "+CPOWD":
                cases.append(pytest.param(f"AT{name}=9", _lines(NOT), id=f"{name}="))
        else:
            cases.append(pytest.param(f"AT{name}={write[0]}", _lines(write[1]), id=f"{name}="))
        if execute is not None:
            cases.append(pytest.param(f"AT{name}", _lines(execute), id=name))
    return cases


@pytest.mark.parametrize(("command", "expected"), _cases())
async def test_form(command: str, expected: list[str]) -> None:
    """A form answers with its text, or ERROR where the manual has no such form."""
    async with Bench() as bench:
        assert await bench.ask(command) == expected


def test_every_listed_command_is_declared() -> None:
    """The table knows no command that the emulator doesn't."""
    assert set(FORMS) <= set(COMMANDS)


@pytest.mark.parametrize(
    "name",
    ["+CSORCV", "+CSORCVMODE", "+CSOLISTEN", "+CSOSENDEX", "+CNTP", "+CNTPCID", "+CSCON", "+CNACT", "+CAOPEN",
     "+CIPOPEN", "+NETOPEN", "+CPSI", "+CNMP"],
)  # fmt: skip
@pytest.mark.parametrize("form", ["", "?", "=?", "=1"])
async def test_other_families_commands_are_refused(name: str, form: str) -> None:
    """Commands of other modules are unknown, whatever +CMEE says."""
    async with Bench() as bench:
        await bench.ask("AT+CMEE=2")
        assert await bench.ask(f"AT{name}{form}") == [ERROR]


CME_50 = "+CME ERROR: 50"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ('AT+CSCS="KLINGON"', CME_50),
        ("AT+CFUN=3", CME_50),
        ("AT+CEREG=6", CME_50),
        ("AT+CREG=3", ERROR),
        ("AT+CPSMS=3", CME_50),
        ('AT+CPSMS=1,,,"0101"', CME_50),
        ('AT+CEDRXS=1,4,"0010"', CME_50),
        ("AT+CSCLK=3", ERROR),
        ("AT+CCLK=20/03/20,15:34:15+32", CME_50),
        ('AT+CCLK="20/13/20,15:34:15+32"', CME_50),
        ("AT+CBAND=7", CME_50),
        ("AT+IPR=12345", ERROR),
        ("AT+CGACT=1,9", "+CME ERROR: 630"),
        ('AT+CPIN="1234"', "+CME ERROR: 3"),
        ('AT+CLCK="SC",1,"9999"', "+CME ERROR: 16"),
        ('AT+COPS=1,2,"00101"', "+CME ERROR: 30"),
        ('AT+CIPPING="192.0.2.1",0', CME_50),
        ('AT+CDNSCFG="one.example"', ERROR),
        ("AT+CSOC=3,1,1", ERROR),
        ("AT+CSOC=1,1", ERROR),
        ("AT+CSOC=1,3,1", ERROR),
        ("AT+CSOSTATUS=5", ERROR),
        ('AT+CGDCONT=16,"IP","x"', ERROR),
        ('AT*MCGDEFCONT="X25"', CME_50),
        ("AT+CMUX=0", "+CME ERROR: 4"),
    ],
)
async def test_wrong_arguments(command: str, expected: str) -> None:
    """What does not fit is a +CME ERROR where the manual says so, and ERROR elsewhere."""
    async with Bench() as bench:
        await bench.ask("AT+CMEE=1")
        assert await bench.ask(command) == [expected]


async def test_model_bands_and_names() -> None:
    """Each model has its own name, bands and first line of ATI."""
    seen = {}
    for key, model in MODELS.items():
        async with Bench(Setup(model=model, speed=0)) as bench:
            seen[key] = (await bench.ask("AT+CGMM"), await bench.ask("ATI"), await bench.ask("AT+CBAND=?"))
    assert seen["sim7020c"] == (["SIM7020C", OK], ["SIM7020 R1752", OK], ["+CBAND: (1,3,5,8)", OK])
    assert seen["sim7020e"][1:] == (["SIM7020E R1752", OK], ["+CBAND: (1,3,5,8,20,28)", OK])
    assert seen["sim7020g"][0] == ["SIM7020G", OK]
