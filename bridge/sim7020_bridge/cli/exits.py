"""How a subcommand ends that can't go on: with a sentence and an exit status."""

import sys
from typing import Final, NoReturn

import click

EXIT_FAILED: Final = 1
EXIT_CONFIGURATION: Final = 2
EXIT_NO_ANSWER: Final = 3


def fail(words: object, status: int = EXIT_FAILED) -> NoReturn:
    """Say why it can't go on, and end."""
    click.echo(words, err=True)
    sys.exit(status)
