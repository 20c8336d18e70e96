"""What a socket's last error can be."""

from typing import Final

SOCKET_ERRORS: Final = (
    "none",
    "common",
    "route",
    "connection_aborted",
    "connection_reset",
    "not_connected",
    "unacknowledged",
    "value",
    "buffer",
    "block",
    "address_in_use",
    "already_connecting",
    "already_connected",
    "bearer",
    "parameter",
    "module_refused",
    "module_silent",
    "module_unclear",
    "resolve_failed",
    "resolve_timeout",
    "other",
)
"""The names of a socket's last error that are translated; ``none`` if it had none, ``other`` for all others."""
