"""Bytes on the air of a reading, in each form that a socket can give it: the table in docs/delivery.md.

usage: python -m tests.bench.packing    prints the table
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sim7020_bridge.config.model import PayloadForm, SocketSettings, Transport
from sim7020_bridge.mqtt.packing import packed


@dataclass(frozen=True, slots=True)
class Reading:
    """What a device publishes, and what of it somebody would send.

    Args:
        what: The device.
        fields: The reading.
        pick: As for a struct.
    """

    what: str
    fields: dict[str, Any]
    pick: tuple[str, ...]


_UPDATE: Final = {"installed_version": 16777241, "latest_version": 16777241, "state": "idle"}

READINGS: Final = (
    Reading(
        "climate sensor",
        {
            "battery": 91.5,
            "humidity": 54.83,
            "last_seen": "2026-11-23T10:15:00+01:00",
            "linkquality": 112,
            "power_outage_count": 14,
            "pressure": 1013.2,
            "temperature": 21.53,
            "update": _UPDATE,
            "update_available": False,
            "voltage": 2985,
        },
        ("temperature i16 0.01", "humidity u8 0.5", "battery u8"),
    ),
    Reading(
        "metering plug",
        {
            "current": 0.42,
            "energy": 1834.57,
            "indicator_mode": "off/on",
            "last_seen": "2026-11-23T10:15:00+01:00",
            "linkquality": 87,
            "power": 91.4,
            "power_outage_memory": "restore",
            "state": "ON",
            "update": _UPDATE,
            "voltage": 231,
        },
        ("power u16 0.1", "energy u32 0.01", "voltage u16"),
    ),
    Reading(
        "door contact",
        {
            "battery": 100,
            "battery_low": False,
            "contact": True,
            "device_temperature": 23,
            "last_seen": "2026-11-23T10:15:00+01:00",
            "linkquality": 156,
            "power_outage_count": 3,
            "tamper": False,
            "voltage": 3015,
        },
        ("contact u8", "battery u8"),
    ),
    Reading(
        "soil sensor",
        {"battery": 88, "linkquality": 61, "soil_moisture": 37, "temperature": 14.2, "temperature_unit": "celsius"},
        ("soil_moisture u8", "temperature i16 0.1"),
    ),
)


def _socket(form: PayloadForm, *pick: str) -> SocketSettings:
    return SocketSettings("readings", Transport.UDP, "192.0.2.1", 5000, payload=form, pick=pick)


def table() -> Iterator[str]:
    """Yield the lines of the table, each without its end."""
    yield "| reading | JSON | `payload: cbor` | of these fields | an array of them | a struct |"
    yield "|---|---|---|---|---|---|"
    for reading in READINGS:
        data = json.dumps(reading.fields, separators=(",", ":")).encode()
        names = [field.split(" ")[0] for field in reading.pick]
        sizes = [
            len(packed(socket, data))
            for socket in (
                _socket(PayloadForm.CBOR),
                _socket(PayloadForm.CBOR, *names),
                _socket(PayloadForm.STRUCT, *reading.pick),
            )
        ]
        yield f"| {reading.what} | {len(data)} | {sizes[0]} | `{', '.join(reading.pick)}` | {sizes[1]} | {sizes[2]} |"


if __name__ == "__main__":
    print(*table(), sep="\n")  # noqa: T201 - what it is for
