"""What is said about one line, once it is clear what it is."""

from contextlib import suppress
from typing import Final

from sim7020_bridge.at.command import Answer, UnknownLine
from sim7020_bridge.at.framer import Line
from sim7020_bridge.at.results import NO_RESULT, FinalResult, Outcome
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.errors import BridgeError
from sim7020_bridge.kit.decode.command_line import Asked, Form, commands_of
from sim7020_bridge.kit.decode.kinds import Field
from sim7020_bridge.kit.decode.parsed import listed, named, number_or_text, numbers_and_texts
from sim7020_bridge.kit.decode.pending import DECLARED, declared, report_name
from sim7020_bridge.kit.decode.vocabulary import REPORTS, term
from sim7020_bridge.kit.decode.words import fields_of, payload_of, printable, words_of

Said = tuple[str, dict[str, Field], str]
"""Name, fields and words."""


def command(text: str) -> Said:
    """Explain a command line."""
    commands = commands_of(text)
    words = "; ".join(map(_request, commands))
    if len(commands) == 1:
        return commands[0].name, _asked(commands[0]), words
    return commands[0].name, {"commands": [{"name": asked.name, **_asked(asked)} for asked in commands]}, words


def answer(text: Line, asked: Asked | None) -> Said:
    """Explain a line that answers a command, or one that only a command could have brought about."""
    has_name = text.name != text.text
    name = text.name if has_name or asked is None else asked.name
    names = tuple(term(name).values.split())
    about = f"{term(name).about or name}: {shortened(text.arguments or text.text)}"
    value = _read(text, asked)
    if value is not None:
        return name, _with_names(fields_of(value), names, text), words_of(value) or _value(asked, value) or about
    if not has_name:
        return name, {names[0] if names else "value": number_or_text(text.text)}, about
    if text.arguments.startswith("(") or (asked is not None and asked.form is Form.TEST):
        return name, {"arguments": listed(text.arguments)}, f"what {name} accepts: {shortened(text.arguments)}"
    fields = named(names, text) if names else _arguments(text)
    return name, fields, _plain(name, fields) or f"{term(name).about or name}: {shortened(text.arguments)}"


def _with_names(fields: dict[str, Field], names: tuple[str, ...], text: Line) -> dict[str, Field]:
    """Name what the driver read as one bare value, and add what it has no use for."""
    if len(names) == 1 and "value" in fields:
        return {names[0]: fields["value"]}
    if not names or text.name == text.text:
        return fields
    return named(names, text) | {key: value for key, value in fields.items() if key != "value"}


def _value(asked: Asked | None, value: object) -> str:
    """Say what a bare number or switch means, where its command makes that clear."""
    match asked, value:
        case Asked(name="+CSOC", form=Form.WRITE), int(socket):
            return f"socket {socket} was created"
        case Asked(name="+CSOC"), (socket, *_):
            return f"socket {socket} exists"
        case Asked(name="+CSOSTATUS"), int(status):
            return _SOCKET_STATUS.get(status, f"socket status {status}")
        case Asked(name="+CGATT"), bool(attached):
            return "attached to the packet domain" if attached else "not attached to the packet domain"
        case Asked(name="+CTRJ"), int(seconds):
            return f"the network wants to be left alone for {seconds} s" if seconds else "no back-off timer runs"
    return ""


_SOCKET_STATUS: Final = {
    0: "there is no such socket",
    1: "the socket is not connected",
    2: "the socket is connected",
}


def _plain(name: str, fields: dict[str, Field]) -> str:
    """Say what an answer means that the driver has no use for."""
    match name, fields:
        case "+IPR", {"rate": 0}:
            return "the baud rate is found out from the first AT"
        case "+CSOACK", {"socket": socket, "sent": sent, "acknowledged": acknowledged}:
            return f"socket {socket}: {acknowledged} of {sent} bytes acknowledged"
        case "+CHTTPCREATE" | "+CHTTPCREATEEXT", {"client": client, "host": host}:
            return f"HTTP client {client} is not in use" if host == "(null)" else f"HTTP client {client} is for {host}"
        case "+IPCONFIG", {"address": str(address)}:
            return (
                _INTERFACES.get(address.partition(":" if ":" in address else ".")[0].lower(), "own address")
                + f": {address}"
            )
    return ""


_INTERFACES: Final = {"127": "the module itself (loopback)", "fe80": "address on the radio link alone"}


def urc(text: Line) -> Said:
    """Explain a line that nobody asked for."""
    value = URCS.read(text)
    if not isinstance(value, UnknownLine) and (words := words_of(value)):
        return text.name, fields_of(value), words
    name = report_name(text) or text.name
    about = term(name).about
    names = tuple(term(name).values.split())
    if name in REPORTS:
        fields = named(names, text)
        return name, fields or _arguments(text), _reported(text, name, fields)
    if text.name == "+CSONMI":
        words = _unread_data(text.arguments)
    elif text.name in URCS:
        words = f"a report of {about or name} in a form that is not known"
    else:
        words = f"an unsolicited report of {about}" if about else "an unsolicited report, not known"
    return name, _arguments(text), words


def _unread_data(arguments: str) -> str:
    socket, _, rest = arguments.partition(",")
    length, _, digits = rest.partition(",")
    if digits and not digits.strip("*") and length == str(len(digits)):
        return f"{len(digits) // 2} bytes came to socket {socket}, masked in the log"
    return "data came to a socket, but not as hex: raw or cut short"


def _reported(line: Line, name: str, fields: dict[str, Field]) -> str:
    """Say what a report means that the bridge has no use for; a message becomes payload if it came as hex."""
    match name, fields:
        case "+CMQPUB", {"topic": topic, "length": int(length), "message": str(message)}:
            data = _hex(message) if len(message) == length else None
            # a message that came as text (+CREVHEX=0) may hold commas and quotes of its own
            text = line.arguments.removesuffix('"')[-length:] if data is None else printable(data)
            fields["message"] = text if data is None else payload_of(data)
            return f"{REPORTS[name]}, on {topic}: {shortened(text)}"
        case "+CHTTPERR", {"code": -2}:
            return "the server closed the connection of the module's HTTP client"
    return REPORTS[name]


def final(text: Line, result: FinalResult | None) -> Said:
    """Explain a line that ends an exchange; None for one that is declared by its command alone."""
    if result is None:
        name = report_name(text) or text.name
        return name, _arguments(text), REPORTS.get(name, "the command has ended")
    fields: dict[str, Field] = {} if result.code is None else {"code": result.code}
    if result.meaning:
        fields["meaning"] = result.meaning
    if not fields:
        words = _OUTCOMES.get(result.outcome, "the command failed")
    elif result.outcome is Outcome.DATA_ACCEPT and result.code is not None:
        words = f"{result.code} bytes were taken"
    else:
        words = f"refused: {result.meaning or f'code {result.code}'}"
    return result.outcome.value, fields, words


def numeric(text: str) -> Said:
    """Explain a final result in digits (``ATV0``)."""
    return _DIGITS[text], {"code": int(text)}, f"{_OUTCOMES[_DIGITS[text]]} (as a digit, after ATV0)"


def is_numeric(text: str) -> bool:
    """Whether a text is a result in digits."""
    return text in _DIGITS


def payload(text: str) -> Said:
    """Explain what was written at a prompt."""
    data = text.encode("latin-1", "backslashreplace")
    return "", payload_of(data), f"payload at the prompt: {shortened(printable(data))}"


def shortened(text: str) -> str:
    """Return a text that fits in a sentence."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


_LONGEST: Final = 60
_OUTCOMES: Final[dict[str, str]] = {
    "OK": "done",
    "CONNECT": "connected",
    "RING": "an incoming call",
    "ERROR": "refused, without a reason",
    "BUSY": "refused: busy",
    "NO CARRIER": "ended without a connection",
    "NO DIALTONE": "refused: no dial tone",
    "NO ANSWER": "no answer",
    "NORMAL POWER DOWN": "the module has switched itself off",
}
_DIGITS: Final = {
    "0": "OK",
    "1": "CONNECT",
    "2": "RING",
    "3": "NO CARRIER",
    "4": "ERROR",
    "6": "NO DIALTONE",
    "7": "BUSY",
    "8": "NO ANSWER",
}


def _asked(asked: Asked) -> dict[str, Field]:
    fields: dict[str, Field] = {"form": asked.form.value}
    if asked.arguments:
        line, names = asked.line, tuple(term(asked.name).parameters.split())
        fields["arguments"] = numbers_and_texts(line, names)
        fields |= named(names, line)
        if asked.name == "+CSOSEND" and (data := _sent(asked.values)) is not None:
            fields["data"] = payload_of(data)
    return fields


def _sent(values: list[str]) -> bytes | None:
    """Return what ``+CSOSEND`` sends: text if the length is 0, else hex; None if it is neither."""
    match values:
        case [_, "0", text, *_]:
            return text.encode(errors="backslashreplace")
        case [_, _, digits, *_]:
            return _hex(digits)
    return None


def _hex(digits: str) -> bytes | None:
    with suppress(ValueError):
        return bytes.fromhex(digits)
    return None


def _request(asked: Asked) -> str:
    about = term(asked.name).about
    shown = shortened(asked.arguments)
    match asked.form:
        case Form.TEST:
            return f"asks what {asked.name} accepts" + (f" ({about})" if about else "")
        case Form.READ:
            return _READS.get(asked.name) or f"asks for {about or asked.name}"
        case Form.WRITE if words := _write(asked):
            return words
        case Form.WRITE | Form.EXECUTE if declared(asked) is not None or asked.name in _ASKING:
            return f"asks for {about or asked.name}{f': {shown}' if shown else ''}"
        case Form.WRITE:
            return f"sets {about or asked.name}: {shown}"
    return f"{about or f'does {asked.name}'}{f': {shown}' if shown else ''}"


_READS: Final = {"+CSOC": "asks which sockets there are", "+CSOCON": "asks which sockets are connected"}
_ASKING: Final = frozenset({"ATI", "+GSV", "+CGOI", "+GOI", "+CIFSR", "+IPCONFIG", "+CNUM", "+CEER", "+CSOACK", "AT&V"})


def _write(asked: Asked) -> str:  # noqa: C901, PLR0911, PLR0912 - one for each command
    match asked.name, asked.values:
        case "+CSOC", [_, kind, *_]:
            return f"creates a {'TCP' if kind == '1' else 'UDP'} socket"
        case "+CSOCON", [socket, port, address, *_]:
            return f"connects socket {socket} to {address}, port {port}"
        case "+CSOSEND", [socket, length, data, *_]:
            return f"sends {'text' if length == '0' else f'{length} hex digits'} on socket {socket}: {shortened(data)}"
        case "+CSODSEND", [socket, length]:
            return f"asks to send {length} bytes on socket {socket}"
        case "+CSODSEND", [socket]:
            return f"asks to send bytes on socket {socket}, up to a Ctrl-Z"
        case "+CSOCL", [socket, *_]:
            return f"closes socket {socket}"
        case "+CGACT", ["0" | "1" as state, *contexts]:
            return f"{'activates' if state == '1' else 'deactivates'} PDN context {', '.join(contexts)}".rstrip()
        case "+CSORXGET", ["3" | "4", *_]:
            return f"asks for {term(asked.name).about}: {shortened(asked.arguments)}"
        case "+CFUN", [_, "1", *_]:
            return "restarts the module"
        case "+CFUN", ["0" | "1" as level, *_]:
            return f"switches the radio {'on' if level == '1' else 'off'}"
        case "+CDNSGIP", [host, *_]:
            return f"resolves the name {host}"
        case "+CIPPING", [host, *_]:
            return f"pings {host}"
        case "+CPIN", [_, *_]:
            return "enters the SIM PIN"
        case "*MCGDEFCONT", [_, apn, *_]:
            return f"sets the default APN to {apn or 'none'}"
    return ""


def _read(text: Line, asked: Asked | None) -> object:
    by_name = [command for command in DECLARED.values() if text.name in command.answer_names]
    for candidate in by_name if asked is None else [declared(asked)]:
        if candidate is not None and candidate.answers(text):
            with suppress(BridgeError, ValueError):
                return candidate.read(Answer((text,), NO_RESULT))
    return None


def _arguments(text: Line) -> dict[str, Field]:
    return {"arguments": numbers_and_texts(text)} if text.arguments else {}
