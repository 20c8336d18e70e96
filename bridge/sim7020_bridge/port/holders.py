"""Which programs have a device open, if the system tells: Linux does, of programs of the same user."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Holder:
    """A program that has a device open."""

    program: str
    process: int

    @property
    def words(self) -> str:
        """The program as a phrase for people."""
        return f"the program {self.program} (process {self.process})"


def holders(device: str, processes: Path | None = None) -> tuple[Holder, ...]:
    """Name the programs that have a device open, by process number. Links to the device count as the device."""
    wanted = os.path.realpath(device)
    found = []
    for process in sorted(_numbered(processes or _PROCESSES), key=lambda entry: int(entry.name)):
        with suppress(OSError):
            if any(_leads_to(link, wanted) for link in (process / "fd").iterdir()):
                program = (process / "comm").read_text(errors="replace").strip()
                found.append(Holder(program, int(process.name)))
    return tuple(found)


def other_holders(device: str) -> tuple[Holder, ...]:
    """Name the programs but this one that have a device open; none for a URL."""
    return () if "://" in device else tuple(each for each in holders(device) if each.process != os.getpid())


_PROCESSES: Final = Path("/proc")


def _numbered(processes: Path) -> list[Path]:
    try:
        return [entry for entry in processes.iterdir() if entry.name.isdecimal()]
    except OSError:
        return []


def _leads_to(link: Path, device: str) -> bool:
    with suppress(OSError):
        return str(link.readlink()) == device
    return False
