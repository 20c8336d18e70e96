"""What is heard of modems over MQTT, and how a terminal shows it."""
