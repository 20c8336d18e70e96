"""How one modem does, for whoever looks after the machine: port, module, broker."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sim7020_bridge.reports.documents import Document


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a modem can be worked with; a network that is away is no fault of this machine.

    Args:
        port_open: The port is open.
        module_answering: The module answers, or sleeps as it should.
        broker_connected: The broker has accepted the bridge.
    """

    port_open: bool
    module_answering: bool
    broker_connected: bool

    @property
    def healthy(self) -> bool:
        """Whether all of it holds."""
        return self.port_open and self.module_answering and self.broker_connected

    @property
    def document(self) -> Document:
        """As ``/health`` and the metrics have it."""
        return {"healthy": self.healthy, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is known of a modem at one moment, as the contract's documents have it.

    Args:
        modem: Its name.
        health: How it does.
        state: Its state.
        sockets: Its sockets by name.
    """

    modem: str
    health: Health
    state: Document
    sockets: Mapping[str, Document]

    @property
    def words(self) -> str:
        """How it is, for a line that people read."""
        link = self.state["link"]
        broker = "" if self.health.broker_connected else "; no broker"
        reason = f" ({link['reason']})" if link["reason"] else ""
        return f"{self.modem}: {link['layer']}{reason}{broker}"


def health_document(snapshots: tuple[Snapshot, ...]) -> dict[str, object]:
    """Return what ``/health`` says; ``healthy`` if all modems are."""
    return {
        "healthy": all(snapshot.health.healthy for snapshot in snapshots),
        "modems": {
            snapshot.modem: {
                **snapshot.health.document,
                "link": snapshot.state["link"]["layer"],
                "reason": snapshot.state["link"]["reason"],
            }
            for snapshot in snapshots
        },
    }
