"""The MQTT contract: topics, payloads, and one broker connection per modem."""
