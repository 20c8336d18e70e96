"""What Home Assistant's MQTT integration is told of a modem: one device with its entities (device-based discovery)."""

from collections.abc import Mapping, Sequence

from sim7020_bridge import VERSION
from sim7020_bridge.modem.state import Identity, Layer
from sim7020_bridge.mqtt.topics import Topics

Entity = Mapping[str, object]


def document(topics: Topics, identity: Identity, sockets: Sequence[str], gone: Sequence[str]) -> dict[str, object]:
    """Return the discovery document of a modem whose IMEI is known.

    Args:
        topics: The modem's.
        identity: Who it is; its IMEI identifies the device.
        sockets: Names of its sockets.
        gone: Names of sockets that it had, whose entities are to go.
    """
    entities = {**_sensors(topics), **_buttons(topics)}
    for socket in sockets:
        entities[f"socket_{socket}"] = {
            "platform": "binary_sensor",
            "name": f"Socket {socket}",
            "device_class": "connectivity",
            "entity_category": "diagnostic",
            "state_topic": topics.socket_state(socket),
            "value_template": "{{ 'ON' if value_json.phase == 'open' else 'OFF' }}",
        }
    named = {key: {"unique_id": f"sim7020_{identity.imei}_{key}", **entity} for key, entity in entities.items()}
    return {
        "device": {
            "identifiers": [f"sim7020_{identity.imei}"],
            "name": f"SIM7020 {topics.modem}",
            "manufacturer": identity.manufacturer or "SIMCom",
            "model": identity.model or "SIM7020",
            "serial_number": identity.imei,
            **({"sw_version": identity.firmware} if identity.firmware else {}),
        },
        "origin": {"name": "sim7020-bridge", "sw_version": VERSION},
        "availability_topic": topics.availability,
        "qos": 1,
        # a component without anything but its platform is taken away
        "components": {**named, **{f"socket_{socket}": {"platform": "binary_sensor"} for socket in gone}},
    }


def _sensors(topics: Topics) -> dict[str, Entity]:
    def sensor(name: str, path: str, **more: object) -> Entity:
        return {
            "platform": "sensor",
            "name": name,
            "state_topic": topics.state,
            "value_template": f"{{{{ value_json.{path} }}}}",
            "entity_category": "diagnostic",
            **more,
        }

    strength = {"device_class": "signal_strength", "unit_of_measurement": "dBm", "state_class": "measurement"}
    size = {"device_class": "data_size", "unit_of_measurement": "B", "state_class": "total_increasing"}
    return {
        "online": {
            "platform": "binary_sensor",
            "name": "Network",
            "device_class": "connectivity",
            "state_topic": topics.state,
            "value_template": "{{ 'ON' if value_json.link.layer in ['online', 'sleeping'] else 'OFF' }}",
        },
        "link": sensor("Link", "link.layer", device_class="enum", options=[layer.value for layer in Layer]),
        "rssi": sensor("RSSI", "signal.rssi", **strength),
        "rsrp": sensor("RSRP", "signal.rsrp", **strength),
        "operator": sensor("Operator", "registration.operator"),
        "address": sensor("Address", "pdn.address"),
        "voltage": sensor(
            "Supply", "power.voltage", device_class="voltage", unit_of_measurement="V", state_class="measurement"
        ),
        "outbox": sensor("Messages that wait", "outbox.messages", state_class="measurement"),
        "sent_today": sensor("Sent today", "usage.today.up", **size),
        "received_today": sensor("Received today", "usage.today.down", **size),
    }


def _buttons(topics: Topics) -> dict[str, Entity]:
    names = {"refresh": "Refresh", "reattach": "Attach again", "reset": "Restart the module"}
    return {
        verb: {
            "platform": "button",
            "name": name,
            "entity_category": "diagnostic" if verb == "refresh" else "config",
            "command_topic": topics.request(verb),
            "payload_press": "{}",
        }
        for verb, name in names.items()
    }
