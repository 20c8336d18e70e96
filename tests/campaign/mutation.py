"""Inputs that are nearly right: seeds, cut, doubled, spliced and spiced."""

import random
from collections.abc import Sequence
from typing import Final

SPICES: Final = tuple(
    spice.encode("utf-8", "surrogatepass")
    for spice in (
        *(
            '"',
            '""',
            ",",
            ",,",
            ":",
            ";",
            "=",
            "?",
            "\\",
            "+",
            "-",
            "*",
            "#",
            "/",
            "{",
            "}",
            "[",
            "]",
            "\r",
            "\n",
            "\r\n",
        ),
        *(
            "0",
            "-1",
            "256",
            "65536",
            "4294967296",
            "9" * 25,
            "9" * 5000,
            "1e999",
            "NaN",
            "0x1F",
            "\0",
            "\x08",
            "\x1a",
            "\x1b[",
        ),
        *("> ", "OK", "ERROR", "RDY", "AT", "+CSONMI: ", "+CEREG: ", "+CME ERROR: ", "1.2.3.4", "255.255.255.999"),
        *(
            "\u0661",
            "\u2028",
            "\ufeff",
            "\ud800",
            "\xa0",
            "\xb2",
            "null",
            "true",
            "[[[[[[[[",
            '{"a":',
            '"\\ud800"',
            " ",
            "\t",
        ),
    )
)


def mutated(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return a seed that something was done to, once to four times."""
    data = seeds[int(chance.random() * len(seeds))]
    for _ in range(1 + int(chance.random() * 4)):
        size = len(data)
        at = int(chance.random() * (size + 1))
        match int(chance.random() * 7):
            case 0:
                data = data[:at] + bytes((int(chance.random() * 256),)) + data[at + 1 :]
            case 1:
                data = data[:at] + bytes((int(chance.random() * 256),)) + data[at:]
            case 2:
                data = data[:at] + data[at + 1 + int(chance.random() * 8) :]
            case 3:
                data = data[:at] + SPICES[int(chance.random() * len(SPICES))] + data[at:]
            case 4:
                end = min(size, at + int(chance.random() * 16))
                data = data[:end] + data[at:end] * int(chance.random() * 4) + data[end:]
            case 5:
                other = seeds[int(chance.random() * len(seeds))]
                data = data[:at] + other[int(chance.random() * (len(other) + 1)) :]
            case _:
                data = data[:at]
    return data
