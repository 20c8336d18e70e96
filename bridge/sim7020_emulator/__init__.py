"""A SIM7020 in software: a pty that answers AT commands, with real sockets behind it."""
