"""What MQTT is told of a modem: retained documents, alerts, events, discovery."""
