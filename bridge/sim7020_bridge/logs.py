"""Log lines that name the modem they are about."""

import logging
import sys
from contextvars import ContextVar
from typing import Final

current_modem: Final[ContextVar[str]] = ContextVar("current_modem", default="")
"""The modem that the running task works for; empty outside of any. Tasks inherit it from the one that made them."""


def log_to_stderr(level: str) -> None:
    """Write log lines of a level (``debug`` to ``error``) and above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_name_modem)
    logging.basicConfig(
        level=level.upper(), format="%(asctime)s %(levelname)-7s %(modem)s%(name)s: %(message)s", handlers=[handler]
    )


def _name_modem(record: logging.LogRecord) -> bool:
    name = current_modem.get()
    record.modem = f"[{name}] " if name else ""
    return True
