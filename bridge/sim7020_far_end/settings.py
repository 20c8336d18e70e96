"""What a valid configuration of the far end says, as frozen values with every default filled in."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sim7020_bridge.config.model import BatchFormat, LoggingSettings, MqttSettings, OscoreSettings, PayloadForm

DEFAULT_BASE_TOPIC: Final = "far-end"
DEFAULT_PORT: Final = 5683
"""CoAP's own (RFC 7252 section 6.1)."""

DEFAULT_SILENCE: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class PathSettings:
    """What a modem posts to one path, whose segments have slashes between them: form, fields, batch."""

    name: str
    payload: PayloadForm | None = None
    pick: tuple[str, ...] = ()
    batch: BatchFormat | None = None


@dataclass(frozen=True, slots=True)
class ModemSettings:
    """One modem: its keys, what it posts, and after how many seconds of silence it counts as offline."""

    name: str
    oscore: OscoreSettings
    paths: tuple[PathSettings, ...] = ()
    silence: int = DEFAULT_SILENCE

    def path(self, name: str) -> PathSettings:
        """Return what is posted to a path; bytes as they are if nothing is said of it."""
        return next((path for path in self.paths if path.name == name), PathSettings(name))


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it; ``listen`` is a host and a UDP port."""

    mqtt: MqttSettings
    modems: tuple[ModemSettings, ...]
    state_dir: Path
    listen: tuple[str, int] = ("::", DEFAULT_PORT)
    client_id: str | None = None
    logging: LoggingSettings = field(default_factory=LoggingSettings)
    home_assistant_discovery: str | None = None
