"""What more than one room writes, as in ``docs/contract/``."""

from dataclasses import dataclass

ONLINE = b"online"
OFFLINE = b"offline"


@dataclass(frozen=True, slots=True)
class ErrorDocument:
    """Why something did not work: ``code`` for machines, ``message`` for people."""

    code: str
    message: str
