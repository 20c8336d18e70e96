"""``keys``: a secret for both ends of a sealed socket, and what each writes into its configuration."""

import json
import secrets
from pathlib import Path
from typing import Final

import click

from sim7020_bridge.cli.exits import EXIT_CONFIGURATION, fail
from sim7020_bridge.cli.options import valid
from sim7020_bridge.config import values
from sim7020_bridge.config.file import NotWritten, new_secret

_SECRET: Final = 16
"""Bytes: as many as the algorithm's key has."""

_LONGEST_ID: Final = 7

_BRIDGE: Final = """\
# The bridge, at the socket that is to be sealed:
oscore:
  secret_file: {file}
  sender_id: "{sender}"
  recipient_id: ""
"""

_FAR_END: Final = """\
# The far end, with a copy of the file that nobody else gets to see:
modems:
  {name}:
    oscore:
      secret_file: {file}
      sender_id: ""
      recipient_id: "{sender}"
"""


@click.command()
@click.argument("name")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(), metavar="DIR", help="Where the file goes; here."
)
@click.option("--id", "sender", metavar="HEX", help="The modem's id; a byte by chance, without it.")
def keys(name: str, *, folder: Path, sender: str | None) -> None:
    """Make a secret for a modem's sealed socket.

    Puts it into NAME.key, for its owner alone, and prints what the bridge and
    the far end write into their configurations. The secret is not printed.
    A file that is there is never written over.

    \b
    Exit status: 0 made, 1 it can't be written, 2 NAME or the id won't do.

    \b
    Example:   sim7020-bridge keys shed --folder /etc/sim7020-bridge
    """
    valid("NAME", values.name, name)
    if sender is not None:
        valid("--id", values.hexadecimal(1, _LONGEST_ID), sender)
    file = (folder / f"{name}.key").absolute()
    try:
        new_secret(file, secrets.token_hex(_SECRET))
    except FileExistsError:
        fail(f"{file} exists already, and a secret is never written over: name another one", EXIT_CONFIGURATION)
    except NotWritten as error:
        fail(error)
    sender = secrets.token_hex(1) if sender is None else sender.lower()
    click.echo(_BRIDGE.format(file=json.dumps(str(file), ensure_ascii=False), sender=sender))
    click.echo(_FAR_END.format(name=json.dumps(name), file=json.dumps(file.name), sender=sender), nl=False)
