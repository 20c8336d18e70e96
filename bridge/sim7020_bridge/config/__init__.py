"""A YAML file turned into frozen settings, or into a list of everything wrong with it."""
