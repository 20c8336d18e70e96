"""The three models: names, bands and how they leave the factory."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """One product of the family.

    Args:
        name: As AT+CGMM prints it.
        bands: LTE FDD bands of the hardware design notes.
        rate: Factory setting of +IPR; 0 is auto-baud.
    """

    name: str
    bands: tuple[int, ...]
    rate: int


MODELS: dict[str, Model] = {
    "sim7020c": Model("SIM7020C", (1, 3, 5, 8), 115200),
    "sim7020e": Model("SIM7020E", (1, 3, 5, 8, 20, 28), 115200),
    "sim7020g": Model("SIM7020G", (1, 2, 3, 4, 5, 8, 12, 13, 17, 18, 19, 20, 25, 26, 28, 66, 70, 71, 85), 0),
}
