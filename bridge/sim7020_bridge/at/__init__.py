"""The AT language of V.250 and 3GPP TS 27.007: knows no SIM7020 and does no I/O of its own."""
