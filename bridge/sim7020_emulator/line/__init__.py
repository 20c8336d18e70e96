"""The serial port: what it is plugged into, its pace, its faults, and its trace."""
