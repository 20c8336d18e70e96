"""The bench: ``python -m tests.bench [--short] [--write] [PART ...]``."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping

from tests.bench import throughput
from tests.bench.figures import DOCUMENT, Result, Table, machine

Part = Callable[[bool], Result]


def _throughput(short: bool) -> Result:
    return throughput.measure(
        throughput.Effort(1, 0.2, (115200, 921600), (16, 512)) if short else throughput.Effort(5, 1.2)
    )


PARTS: Mapping[str, Part] = {"throughput": _throughput}


def main() -> None:
    """Measure what the command line names, and print it."""
    parser = argparse.ArgumentParser(prog="script/bench", description="Measure, and print tables.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; without any, all of them")
    parser.add_argument("--short", action="store_true", help="little of everything, in less than a minute")
    parser.add_argument("--write", action="store_true", help=f"write figures and plots into docs/{DOCUMENT.name}")
    given = parser.parse_args()
    unknown = sorted(set(given.parts) - set(PARTS))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    load = os.getloadavg()[0]
    where = Table("machine", ("machine", "load at the start"), [(machine(), f"{load:.1f}")])
    sys.stdout.write(where.text())
    for name in given.parts or PARTS:
        began = time.monotonic()
        result = PARTS[name](given.short)
        sys.stdout.write(f"\n## {name} ({time.monotonic() - began:.0f} s)\n\n")
        for table in result.tables:
            sys.stdout.write(f"{table.text()}\n")
            sys.stdout.flush()
            if given.write:
                table.write()
        if given.write:
            for plot in result.plots:
                plot.write()
    if given.write:
        where.write()


if __name__ == "__main__":
    main()
