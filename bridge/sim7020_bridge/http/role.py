"""What somebody may do."""

from enum import IntEnum


class Role(IntEnum):
    """What somebody may do; each may all that those before it may."""

    ANYONE = 0
    READ_ONLY = 1
    FULL = 2
