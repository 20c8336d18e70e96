"""Everything that can go wrong, as types: who catches it and what can they do?

BridgeError
|-- ConfigurationError      the user mends a file; every mistake is listed at once
|-- AlreadyRunning          another bridge of this machine has the session: this one must not run
|-- LineError               the serial line is no use any more: end the session, open the port again
|   |-- PortUnavailable     the port can't be opened: missing, busy, not permitted, refused
|   |-- PortClosed          the port went away while it was open
|   |-- LineOutOfSync       after a missed deadline the module would not answer AT again
|   |-- ModuleRestarted     the module greeted or echoed again: all that was set up is gone
|   |-- ModuleAsleep        the module saves power: its port is mute until it wakes
|   `-- StartOver           a recovery step wants the port opened afresh
|-- ModuleSilent            a command's deadline passed; the line has been proved sane since
|-- CommandRefused          the module said no: ERROR, +CME ERROR, +CMS ERROR, BUSY, NO CARRIER
|-- CommandHeldBack         never sent: it was to go only under a condition that did not hold when its turn came
|-- MalformedAnswer         the module said yes in a shape that can't be read
|-- Refused                 the bridge won't: code and message go to whoever asked
|   |-- RequestRefused      a request over MQTT can't be done
|   `-- PayloadRefused      a message can't be sent as it is: encoding, size, socket
`-- StorageFailed           the disk did not take what must be kept: full, read-only, damaged
    |-- OutboxClosed        the bridge is stopping: nothing is wrong with the disk
    `-- OutboxInUse         another program has it: a bridge that was started a second time must not run
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class BridgeError(Exception):
    """Root of every error that the bridge raises on purpose."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a configuration file.

    Args:
        where: The key's path, such as ``modems.shed.sockets.telemetry.port``; empty for the whole file.
        problem: What is wrong and what is allowed, as a sentence without a full stop.
        value: The offending value as the user wrote it, or None if there is none (a missing key).
            Secrets are never put here.
        line: 1-based line of the file, where known.
        source: Where the value is from if it isn't the file, such as the name of a variable of the environment.
    """

    where: str
    problem: str
    value: str | None = None
    line: int | None = None
    source: str | None = None

    @property
    def words(self) -> str:
        """What is wrong, with the value."""
        return self.problem if self.value is None else f"{self.problem} (got {self.value})"


class ConfigurationError(BridgeError):
    """A configuration file can't be used; ``mistakes`` lists everything wrong with it."""

    def __init__(self, file: str, mistakes: Sequence[Mistake]) -> None:
        self.file = file
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self._lines()))

    def _lines(self) -> list[str]:
        lines = []
        for mistake in self.mistakes:
            place = mistake.source or (self.file if mistake.line is None else f"{self.file}:{mistake.line}")
            key = f" {mistake.where}:" if mistake.where else ""
            lines.append(f"{place}:{key} {mistake.words}")
        return lines


class AlreadyRunning(BridgeError):
    """Another bridge on this machine has the session of ``client_id`` at the broker.

    Args:
        client_id: The MQTT client identifier.
        process: Its process, or None if it can't be known.
        file: Its outbox as it says, or an empty text if it said nothing.
    """

    def __init__(self, client_id: str, process: int | None, file: str) -> None:
        self.client_id = client_id
        self.process = process
        self.file = file
        who = "another program" if process is None else f"process {process}"
        where = f", with its outbox in {file}" if file else ""
        super().__init__(
            f"{client_id} runs already: it is {who}{where}. "
            "Stop it first, or give this one another modem name or mqtt.base_topic"
        )


class LineError(BridgeError):
    """The serial line can't be used any more; whoever owns the port opens it again."""


class PortUnavailable(LineError):
    """The port can't be opened.

    Args:
        port: The port as configured.
        reason: One of ``missing``, ``busy``, ``not_permitted``, ``refused``, ``unusable``, ``no_thread``.
        detail: What the system said, with what the user can do.
    """

    def __init__(self, port: str, reason: str, detail: str) -> None:
        self.port = port
        self.reason = reason
        self.detail = detail
        super().__init__(f"{port}: {detail}")


class PortClosed(LineError):
    """The port went away while it was open: unplugged, or its server closed the connection."""


class LineOutOfSync(LineError):
    """The module did not answer ``AT`` with a lone ``OK`` after a deadline had passed."""


class ModuleRestarted(LineError):
    """The module booted, and nobody had asked it to; ``evidence`` is the line that gave it away, masked.

    An ``echo`` is weaker than words: a line that gives back what is sent to it looks the same.
    """

    def __init__(self, evidence: str, *, echo: bool = False) -> None:
        self.evidence = evidence
        self.echo = echo
        super().__init__(f"the module restarted on its own ({_brief(evidence)})")


class ModuleAsleep(LineError):
    """The module entered power saving mode; it wakes by itself, or by its PWRKEY."""

    def __init__(self) -> None:
        super().__init__("the module saves power")


class StartOver(LineError):
    """A recovery step wants a fresh start: ``why`` says so in words, ``power`` asks for the power hook first."""

    def __init__(self, why: str, *, power: bool = False) -> None:
        self.why = why
        self.power = power
        super().__init__(why)


class ModuleSilent(BridgeError):
    """No final result came in time; the line was resynchronised and can be used again.

    The command may or may not have been carried out.
    """

    def __init__(self, command: str, timeout: float) -> None:
        self.command = command
        self.timeout = timeout
        super().__init__(f"no answer to {_brief(command)} within {timeout:{'.0f' if timeout > 1 else 'g'}} s")


class CommandRefused(BridgeError):
    """The module gave a final result other than success.

    Args:
        command: The command as sent, masked where it carries a secret.
        result: The final result line, such as ``ERROR`` or ``+CME ERROR: 10``.
        code: The number of a ``+CME ERROR`` or ``+CMS ERROR``, or None.
        meaning: The code in words (manual V1.05 section 21), or the text the module gave; may be empty.
    """

    def __init__(self, command: str, result: str, *, code: int | None = None, meaning: str = "") -> None:
        self.command = command
        self.result = result
        self.code = code
        self.meaning = meaning
        words = f" ({meaning})" if meaning and meaning not in result else ""
        super().__init__(f"{_brief(command)}: {result}{words}")


def _brief(command: str) -> str:
    """Return a command for a sentence: of what is masked, not even the length."""
    return re.sub(r"\*{3,}", "***", command)


class CommandHeldBack(BridgeError):
    """A command was not sent: one that it was to follow failed, or it may not go now; ``command`` is shown masked."""

    def __init__(self, command: str) -> None:
        self.command = command
        super().__init__(f"{_brief(command)} was not sent: the one before it failed, or it may not go now")


class MalformedAnswer(BridgeError):
    """An information text or URC that can't be read as what it should be."""

    def __init__(self, line: str, problem: str) -> None:
        self.line = line
        self.problem = problem
        super().__init__(f"cannot read {line!r}: {problem}")


class Refused(BridgeError):
    """The bridge won't do what it was asked for: ``code`` for machines, ``message`` for people."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


class RequestRefused(Refused):
    """A request over MQTT that won't be carried out."""


class PayloadRefused(Refused):
    """A message that can't be sent as it is."""


class StorageFailed(BridgeError):
    """What must be kept can't be written to ``file``: ``reason`` in words."""

    def __init__(self, file: Path, reason: str) -> None:
        self.file = file
        self.reason = reason
        super().__init__(f"{file} can't be used: {reason}")


class OutboxClosed(StorageFailed):
    """The bridge is stopping: nothing more is written to ``file``, and nothing is wrong with it."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, "the bridge is stopping")


class OutboxInUse(StorageFailed):
    """Another program has the outbox in ``file``: the process ``process``, or None if it can't be known."""

    def __init__(self, file: Path, process: int | None) -> None:
        who = "another program" if process is None else f"process {process}"
        reason = f"{who} has it. Is a bridge running already? Stop it first, or give this one another state_dir"
        super().__init__(file, reason)
