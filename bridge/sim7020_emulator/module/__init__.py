"""The SIM7020 without its serial port: power, SIM, registration, contexts, sleep and clock."""
