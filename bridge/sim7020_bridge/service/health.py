"""How one modem does, for whoever looks after the machine: port, module, broker."""

from collections.abc import Mapping
from dataclasses import dataclass

from sim7020_bridge.reports.documents import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that is known of a modem at one moment.

    Args:
        modem: Its name.
        port_open: The port is open.
        module_answering: The module answers, or sleeps as it should.
        broker_connected: The broker has accepted the bridge.
        listening: It lets the bridge listen to all that it should.
        state: The contract's ``state``.
        sockets: The contract's state of each socket, by name.
    """

    modem: str
    port_open: bool
    module_answering: bool
    broker_connected: bool
    listening: bool
    state: Document
    sockets: Mapping[str, Document]

    @property
    def health(self) -> Document:
        """Whether the modem can be worked with; a network that is away is no fault of this machine."""
        return {
            "healthy": self.port_open and self.module_answering and self.broker_connected and self.listening,
            "port_open": self.port_open,
            "module_answering": self.module_answering,
            "broker_connected": self.broker_connected,
            "listening": self.listening,
            "link": self.state["link"]["layer"],
            "reason": self.state["link"]["reason"],
        }

    @property
    def words(self) -> str:
        """How it is, for a line that people read."""
        link = self.state["link"]
        broker = "" if self.broker_connected else "; no broker"
        reason = f" ({link['reason']})" if link["reason"] else ""
        return f"{self.modem}: {link['layer']}{reason}{broker}"


def health_document(snapshots: tuple[Snapshot, ...]) -> Document:
    """Return what ``/health`` says; ``healthy`` if all modems are."""
    modems = {snapshot.modem: snapshot.health for snapshot in snapshots}
    return {"healthy": all(health["healthy"] for health in modems.values()), "modems": modems}
