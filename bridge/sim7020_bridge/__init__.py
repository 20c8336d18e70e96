"""A SIM7020 NB-IoT modem kept attached, its sockets mapped to MQTT topics."""

from typing import Final

VERSION: Final = "0.1.0"
"""The program's version, held to the package's by script/check-version; to look it up there loads a megabyte."""
