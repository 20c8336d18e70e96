"""How many lines of each package the tests ran: usage: covered.py LINES.JSON PACKAGE=FLOOR ..."""

import json
import sys
from pathlib import Path
from typing import Any


def main(report: str, *floors: str) -> int:
    """Tell the per cent of each package, and where lines are missing of one that has less than its floor."""
    files: dict[str, Any] = json.loads(Path(report).read_text())["files"]
    status = 0
    for package, floor in (each.split("=") for each in floors):
        counted = {name: lines for name, lines in files.items() if name.startswith(f"bridge/{package}/")}
        run = sum(len(lines["executed_lines"]) for lines in counted.values())
        missing = sum(len(lines["missing_lines"]) for lines in counted.values())
        covered = 100 * run / (run + missing)
        told = [f"{package}: {covered:.1f} % of lines covered"]
        if covered < float(floor):
            told += [f"  {name}: {lines['missing_lines']}" for name, lines in counted.items() if lines["missing_lines"]]
            told += [f"less than {floor} % of {package} is covered"]
            status = 1
        sys.stdout.write("".join(f"{line}\n" for line in told))
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
