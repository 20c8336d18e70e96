"""Which topics a modem's documents are retained at, for the run that no longer has them: nobody else empties them."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sim7020_bridge.config.topic_names import topic_problem
from sim7020_bridge.modem.kept_file import replace_file

log: Final = logging.getLogger(__name__)


class TopicMemory:
    """A file with one topic a line.

    Args:
        file: Where it is; None to remember nothing.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def others(self, topics: Iterable[str]) -> list[str]:
        """Return what is remembered besides these topics."""
        if self._file is None:
            return []
        try:
            known = self._file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return []
        # a disk may have changed some into what nobody can publish to
        return sorted(topic for topic in set(known).difference(topics) if topic_problem(topic) is None)

    def keep(self, topics: Iterable[str]) -> None:
        """Remember these and no others."""
        if self._file is None:
            return
        try:
            replace_file(self._file, "".join(f"{topic}\n" for topic in sorted(topics)).encode())
        except OSError as error:
            log.warning("%s can't be written; retained topics may outlive their socket: %s", self._file, error.strerror)
