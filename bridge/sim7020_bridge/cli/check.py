"""``check``: what a configuration comes to."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from sim7020_bridge.cli.exits import EXIT_CONFIGURATION
from sim7020_bridge.cli.options import JSON, configuration
from sim7020_bridge.config.effective import Effective, Source, Value, effective
from sim7020_bridge.config.load import read
from sim7020_bridge.errors import ConfigurationError


@click.command()
@configuration()
@JSON
def check(file: Path, *, as_json: bool) -> None:
    """Show the effective configuration, defaults and environment included, or all that is wrong with it.

    Each value is shown with the line or variable that it comes from, or as a default; secrets are masked.

    \b
    Exit status: 0 the configuration is valid, 2 it is not.

    \b
    Example:   sim7020-bridge check /etc/sim7020-bridge/bridge.yaml
    """
    try:
        found = list(effective(read(file)))
    except ConfigurationError as error:
        if as_json:
            click.echo(json.dumps(_mistakes(error), indent=2))
        else:
            click.echo(str(error), err=True)
        sys.exit(EXIT_CONFIGURATION)
    if as_json:
        settings = [asdict(each) for each in found]
        click.echo(json.dumps({"valid": True, "file": str(file), "settings": settings}, indent=2))
        return
    width = max(len(each.key) + len(_written(each.value)) for each in found) + 3
    for each in found:
        click.echo(f"{f'{each.key}: {_written(each.value)}':{min(width, 70)}} # {_place(file, each)}")
    click.echo(f"{file}: valid", err=True)


def _written(value: Value) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _place(file: Path, each: Effective) -> str:
    return f"{file.name}:{each.place}" if each.source is Source.FILE else str(each.place or "default")


def _mistakes(error: ConfigurationError) -> dict[str, object]:
    return {
        "valid": False,
        "file": error.file,
        "mistakes": [
            {
                "key": mistake.where or None,
                "problem": mistake.problem,
                "value": mistake.value,
                "line": mistake.line,
                "variable": mistake.source,
            }
            for mistake in error.mistakes
        ],
    }
