"""What MQTT asks of a modem: checked, carried out, answered."""
