"""The AT language: bytes into command lines, answers into bytes. Knows no SIM7020."""
