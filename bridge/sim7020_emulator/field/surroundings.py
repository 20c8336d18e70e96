"""What the model of the network asks of the module that is in it."""

from typing import Protocol


class Surroundings(Protocol):
    """What the field asks of its module."""

    @property
    def loss_up(self) -> str:
        """Per cent of the datagrams that are lost on the way up; empty: as the profile has it."""

    @property
    def loss_down(self) -> str:
        """The same on the way down."""

    @property
    def inactivity(self) -> str:
        """Seconds until the network releases a connection without traffic."""

    @property
    def rai_ignored(self) -> str:
        """Per cent of the sends in which the network takes no notice of release assistance."""

    @property
    def watts(self) -> str:
        """Watts by state, as NAME=NUMBER by comma, that count instead of ``Watts``."""

    def take_assistance(self) -> int:
        """Return what the next uplink says of those that follow (+CNBIOTRAI), once."""

    def sleeps_lightly(self) -> bool:
        """Say whether the module sleeps while its radio is idle."""

    def paging_cycle(self) -> float:
        """Return after how many seconds an idle module listens again."""

    def update_period(self) -> float | None:
        """Return the seconds after which it has to update its tracking area, if such a timer was granted."""
