"""What was taken over MQTT and has not gone out yet."""
