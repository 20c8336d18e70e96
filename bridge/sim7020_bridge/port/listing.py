"""The serial ports of this machine: their lasting names, what is plugged in, and who has them open."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sim7020_bridge.port.holders import Holder, holders
from sim7020_bridge.port.port import Attached, attached

LASTING_NAMES: Final = Path("/dev/serial/by-id")
"""Where Linux keeps names of USB ports that stay when other devices come and go."""


@dataclass(frozen=True, slots=True)
class SerialPort:
    """One serial port.

    Args:
        device: Its name now.
        names: Lasting names that lead to it.
        attached: What is known of the hardware; None for what is no hardware, such as a pseudo-terminal.
        held_by: Programs that have it open, as far as this user may know.
        usable: Whether this user may open it.
    """

    device: str
    names: tuple[str, ...]
    attached: Attached | None
    held_by: tuple[Holder, ...]
    usable: bool

    @property
    def best_name(self) -> str:
        """The name to configure."""
        return self.names[0] if self.names else self.device

    def document(self) -> dict[str, object]:
        """Return the port as a JSON object."""
        hardware = self.attached
        usb = None
        if hardware is not None and hardware.vendor_id is not None and hardware.product_id is not None:
            usb = {
                "vendor_id": f"{hardware.vendor_id:04x}",
                "product_id": f"{hardware.product_id:04x}",
                "manufacturer": hardware.manufacturer,
                "product": hardware.product,
                "serial_number": hardware.serial_number,
            }
        return {
            "device": self.device,
            "names": list(self.names),
            "usb": usb,
            "held_by": [{"program": holder.program, "process": holder.process} for holder in self.held_by],
            "usable": self.usable,
        }


def serial_ports(chosen: Sequence[str] = (), lasting_names: Path = LASTING_NAMES) -> tuple[SerialPort, ...]:
    """Return the ports that the system lists, or only those chosen, listed or not."""
    listed = {each.device: each for each in attached()}
    devices = chosen or sorted(listed)
    return tuple(_port(device, listed, lasting_names) for device in devices)


def _port(device: str, listed: dict[str, Attached], lasting_names: Path) -> SerialPort:
    real = os.path.realpath(device)
    return SerialPort(
        device=device,
        names=_names_of(real, lasting_names),
        attached=listed.get(real),
        held_by=holders(real),
        usable=os.access(real, os.R_OK | os.W_OK),
    )


def _names_of(device: str, folder: Path) -> tuple[str, ...]:
    with suppress(OSError):
        return tuple(sorted(str(link) for link in folder.iterdir() if os.path.realpath(link) == device))
    return ()
