"""The radio network as it is in the field: delays, losses and power from published measurements."""
