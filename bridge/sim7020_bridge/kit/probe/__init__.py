"""Goes from a port to an answer from the internet, and says at the first layer that does not hold what to do."""
