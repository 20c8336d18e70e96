"""How a subcommand ends that can't go on: with a sentence and an exit status."""

import sys
from pathlib import Path
from typing import Final, NoReturn

import click

EXIT_FAILED: Final = 1
EXIT_CONFIGURATION: Final = 2
EXIT_NO_ANSWER: Final = 3


def fail(words: object, status: int = EXIT_FAILED) -> NoReturn:
    """Say why it can't go on, and end."""
    click.echo(words, err=True)
    sys.exit(status)


def keep(file: Path, *, force: bool) -> None:
    """End if a file is there that may not be written over, or if nobody can tell."""
    try:
        there = file.exists()
    except OSError as error:
        fail(f"{file} can't be written: {error.strerror}")
    if there and not force:
        fail(f"{file} exists already; --force overwrites it")
