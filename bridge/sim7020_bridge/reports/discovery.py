"""Makes a modem known to Home Assistant without the component, and unknown again when that is no longer wanted."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sim7020_bridge.modem.kept_file import replace_file
from sim7020_bridge.modem.state import ModemState
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.mqtt.json_text import dump
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.topics import Topics
from sim7020_bridge.reports.discovery_document import document

log: Final = logging.getLogger(__name__)

SETTLE: Final = 1.0
"""Seconds after a connection in which what is retained has come, also that the component is in use."""


class Discovery:
    """Keeps one modem's discovery document as it should be.

    Args:
        prefix: What discovery topics start with; None to withdraw what an earlier run published.
        memory: The file that remembers the topic, so that it can be emptied later.
        publish: Hands a publication to the broker; must not block.
    """

    def __init__(
        self,
        prefix: str | None,
        *,
        topics: Topics,
        store: StateStore,
        sockets: Sequence[str],
        memory: Path,
        publish: Callable[[Publication], None],
    ) -> None:
        self._prefix = prefix
        self._topics = topics
        self._store = store
        self._sockets = list(sockets)
        self._gone: list[str] = []
        self._memory = memory
        self._publish = publish
        self._component = False
        self._settled = False
        self._soon: asyncio.TimerHandle | None = None
        store.listen(self._changed)

    def connected(self) -> None:
        """Publish or withdraw, once it is known whether the component is in use."""
        self.stop()
        self._settled = False
        self._soon = asyncio.get_running_loop().call_later(SETTLE, self._settle)

    def stop(self) -> None:
        """Put nothing off any longer."""
        if self._soon is not None:
            self._soon.cancel()

    def component_says(self, payload: bytes) -> None:
        """Take the component's mark: it is in use while there is one."""
        before, self._component = self._component, bool(payload)
        if self._component and not before:
            log.warning(
                "home_assistant_discovery is not used: Home Assistant has the sim7020 component for this modem, and "
                "would show everything twice. Switch one of them off"
            )
        self._update()

    def change(self, sockets: Sequence[str]) -> None:
        """Tell of other sockets from now on."""
        self._gone = sorted({*self._gone, *self._sockets} - set(sockets))
        self._sockets = list(sockets)
        self._update()

    def _changed(self, before: ModemState, after: ModemState) -> None:
        if before.identity != after.identity:
            self._update()

    def _settle(self) -> None:
        self._settled = True
        self._update()

    def _update(self) -> None:
        imei = self._store.state.identity.imei
        if not self._settled:
            return
        if self._prefix is None or self._component:
            self._withdraw(None)
        elif imei is not None:
            topic = f"{self._prefix}/device/sim7020_{imei}/config"
            self._withdraw(topic)
            self._remember(topic)
            payload = dump(document(self._topics, self._store.state.identity, self._sockets, self._gone))
            self._publish(Publication(topic=topic, payload=payload, retain=True))

    def _withdraw(self, but: str | None) -> None:
        """Empty the topic of before, unless it is this one."""
        try:
            topic = self._memory.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return
        if topic and topic != but:
            self._publish(Publication(topic=topic, payload=b"", retain=True))
            self._memory.unlink(missing_ok=True)
            log.info("Home Assistant no longer knows this modem by %s", topic)

    def _remember(self, topic: str) -> None:
        try:
            replace_file(self._memory, topic.encode())
        except OSError as error:
            log.warning("%s can't be written, so discovery can't be withdrawn later: %s", self._memory, error.strerror)
