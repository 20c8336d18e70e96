"""Names that more than one module of the SIM7020 component needs."""

from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "sim7020"

PLATFORMS: Final = (Platform.BINARY_SENSOR, Platform.BUTTON, Platform.EVENT, Platform.NOTIFY, Platform.SENSOR)

CONTRACT: Final = 1
"""Version of the MQTT contract that this component reads and writes."""

CONF_BASE: Final = "base_topic"
CONF_MODEM: Final = "modem"
DEFAULT_BASE: Final = "sim7020"

CONF_PING_HOST: Final = "ping_host"
DEFAULT_PING_HOST: Final = "9.9.9.9"
