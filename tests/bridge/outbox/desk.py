"""An outbox with a file of its own and hands to work it with."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sim7020_bridge.config.model import OutboxSettings
from sim7020_bridge.errors import StorageFailed
from sim7020_bridge.outbox.committer import Committer
from sim7020_bridge.outbox.database import Database, damage
from sim7020_bridge.outbox.hooks import Hooks
from sim7020_bridge.outbox.message import Entry, Loss, Message, Origin, PendingKind, PendingPublication, Priority
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.outbox.passing_time import Clocks, PassingTime
from sim7020_bridge.outbox.records import UsageRow

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Machine:
    """The clocks of a machine that a test can start again and whose wall clock it can set."""

    def __init__(self) -> None:
        self.boot = "first"
        self.uptime = 1000.0
        self.wall = NOON.timestamp()

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.uptime += seconds
        self.wall += seconds

    def start_again(self, *, off: float, wall: float) -> None:
        """Switch the machine off and on; the wall clock goes on by ``wall`` meanwhile, right or wrong."""
        self.boot += "+"
        self.uptime = 10.0
        self.wall += wall
        self.off = off

    def clocks(self) -> Clocks:
        """Return what PassingTime reads."""
        return Clocks(boot=lambda: self.boot, uptime=lambda: self.uptime, wall=lambda: self.wall)


class Desk:
    """One run of an outbox after the other over the same file; ``told`` collects the final receipts."""

    def __init__(self, directory: Path, settings: OutboxSettings | None = None) -> None:
        self.file = directory / "shed.outbox"
        self.settings = settings or OutboxSettings()
        self.machine = Machine()
        self.told: list[str] = []
        self.taken: list[tuple[str, bool]] = []
        self.failures: list[StorageFailed] = []
        self.published: list[tuple[int, PendingPublication]] = []
        self.usage: list[UsageRow] = []
        self.resumed: Callable[[Entry], Loss | None] = lambda _entry: None
        self.outbox = self.opened()

    def opened(self) -> Outbox:
        """Make an outbox for the file, as a bridge that starts does; nothing is read yet."""
        return Outbox(
            Committer(Database(self.file)),
            settings=self.settings,
            hooks=Hooks(
                lost=lambda entry, loss: (receipt(entry.message, loss),),
                resumed=self._resume,
                changed=lambda: None,
                publish=lambda *numbered: self.published.append(numbered),
                usage=lambda rows, _session: self.usage.extend(rows),
            ),
            time=PassingTime(self.machine.clocks()),
        )

    async def again(self) -> Outbox:
        """Close the outbox and open it in a new run."""
        await self.outbox.close()
        self.outbox = self.opened()
        await self.outbox.load()
        return self.outbox

    def put(self, name: str, *, origin: Origin | None = None, **more: object) -> None:
        """Put a message in; what becomes of it is in ``taken`` or ``failures`` once it is written."""
        self.outbox.put(
            message(name, **more),
            origin,
            written=lambda new: self.taken.append((name, new)),
            failed=self.failures.append,
        )

    async def written(self) -> None:
        """Return when all that was begun is on disk."""
        await self.outbox.wait_written()

    def send(self, socket: str = "a") -> str | None:
        """Send the next message of a socket with success; return its id."""
        entry = self.outbox.queue.first(socket)
        if entry is None:
            return None
        self.outbox.queue.start_sending(entry)
        self.outbox.settle((entry,), (receipt(entry.message, "accepted"),))
        return entry.message.id

    def problem(self) -> str:
        """Return why the outbox can't write; empty if it can."""
        return str(self.outbox.problem or "")

    def pending(self) -> list[str]:
        """Return what the broker is still to be told, as the receipts of this desk put it."""
        return [publication.payload.decode() for _, publication in self.outbox.pending]

    def waiting(self) -> list[str]:
        """Return the ids of all messages in the outbox."""
        return [entry.message.id for entry in self.outbox]

    def _resume(self, entry: Entry) -> Loss | None:
        return self.resumed(entry)


def message(name: str, **more: object) -> Message:
    """Return a message, to socket ``a`` unless told otherwise."""
    given: dict[str, object] = {"id": name, "socket": "a", "data": name.encode(), "at": NOON, **more}
    return Message(**given)  # type: ignore[arg-type] # a test names what it gives


def receipt(what: Message, state: str) -> PendingPublication:
    """Return a final receipt in short."""
    return PendingPublication(PendingKind.RECEIPT, f"receipt/{what.socket}", f"{what.id} {state}".encode())


def malformed(_connection: sqlite3.Connection) -> None:
    """Find out, as a piece of work does, that the file is damaged."""
    raise damage("malformed")


__all__ = ["Desk", "Machine", "Priority", "malformed", "message", "receipt"]
