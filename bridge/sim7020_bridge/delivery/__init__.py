"""A message from MQTT to a socket, and data back from it."""
