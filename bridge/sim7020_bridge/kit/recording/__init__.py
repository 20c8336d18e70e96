"""The wire on disk, without what is secret, and a recording as a line that answers as it did."""
