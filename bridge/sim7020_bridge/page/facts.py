"""What a bridge that runs knows of itself, for whoever helps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Facts:
    """What a bridge that runs knows of itself, taken at one moment.

    Args:
        documents: What is retained of each modem: its documents by topic.
        log: The last lines of the log, as they would be written.
        recordings: The last of each modem's AT dialogue, masked.
        messages: The last messages of each modem, the newest first, without what is in them.
        history: A week of each modem.
        probe: What came of the last probe; None if there was none.
    """

    documents: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    log: Iterable[str] = ()
    recordings: Mapping[str, bytes] = field(default_factory=dict)
    messages: Mapping[str, Sequence[Mapping[str, object]]] = field(default_factory=dict)
    history: Mapping[str, bytes] = field(default_factory=dict)
    probe: Mapping[str, object] | None = None
