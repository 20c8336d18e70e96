"""The SIM7020's words as typed values: commands and URCs, one file per family in the manual's order."""
