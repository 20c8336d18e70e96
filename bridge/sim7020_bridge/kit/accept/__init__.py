"""Tries a module from end to end, and writes down how it answers what documents leave open."""
