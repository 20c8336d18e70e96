"""The product on one machine without hardware: emulated modem, broker, echo servers and bridge, all on loopback."""
