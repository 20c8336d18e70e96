"""The process: one bridge for each modem, signals, reload, health, metrics."""
