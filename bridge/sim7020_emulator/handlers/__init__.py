"""The commands, one file per family in the manual's order."""
