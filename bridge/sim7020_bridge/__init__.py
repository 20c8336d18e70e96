"""A SIM7020 NB-IoT modem kept attached, its sockets mapped to MQTT topics."""
