"""The command line: one module a subcommand; the only package that knows click."""

import errno
import gc
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Final

import click

from sim7020_bridge.cli.exits import EXIT_CONFIGURATION, EXIT_FAILED, fail
from sim7020_bridge.errors import ConfigurationError, LineError, StorageFailed

_SUBCOMMANDS: Final = {
    "run": "Run the bridge until it is stopped by SIGTERM or Ctrl-C.",
    "demo": "Show it all on this machine, without hardware.",
    "init": "Write a commented configuration.",
    "check": "Show the effective configuration, or what is wrong with it.",
    "status": "Show the status of the modems on a broker.",
    "watch": "Watch them, and what becomes of each message.",
    "send": "Send a message through a modem, and wait for the outcome.",
    "outbox": "List, cancel or move waiting messages.",
    "forget": "Clear what a renamed or removed modem left behind.",
    "far-end": "Run the server that modems' CoAP sockets send to.",
    "ports": "List serial ports, and who has them open.",
    "probe": "Find out how far data gets from a port, and what to do.",
    "accept": "Test all that the bridge needs from a module.",
    "console": "Talk AT to a module, each line explained.",
    "decode": "Explain a serial log line by line.",
    "record": "Record the dialogue with a modem.",
    "replay": "Answer as the modem of a recording did.",
    "health": "Ask a running bridge whether it is healthy.",
    "password": "Set a password for the page.",
    "keys": "Make a secret for both ends of a sealed socket.",
    "completion": "Print what makes a shell complete commands and options.",
}
"""The subcommands and what each does, in the order of the help; each has a module of its name, and in it that name.

A hyphen is ``_`` there.
"""

_HELP: Final = "\b\nWithout a modem:  sim7020-bridge demo   With one:  sim7020-bridge run -c FILE"

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class _Subcommands(click.Group):
    """A group that imports a subcommand when it is called: ``run`` must not load what draws on terminals."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_SUBCOMMANDS)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Show what to begin with right below the usage, so that all of it fits a screen."""
        with formatter.indentation():
            formatter.write_text(_HELP)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Show the commands only, and no empty line: the options are in the usage, and all of it fits a screen."""
        formatter.write_heading("Commands")
        with formatter.indentation():
            formatter.write_dl(list(_SUBCOMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run a subcommand; what a user can mend is a sentence, and so is a full disk where the output goes."""
        if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
            # a terminal that is not UTF-8 lacks ticks and arrows, and is no reason to end
            sys.stdout.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            fail(error, EXIT_CONFIGURATION)
        except (LineError, StorageFailed) as error:
            fail(error)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            click.echo(f"the output can't be written: {error.strerror}", err=True)
            # what is still in the buffer must not fail once more when the interpreter ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(EXIT_FAILED)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _SUBCOMMANDS:
            return None
        # of what is imported nothing is garbage: to look for some takes a tenth of the time, and later one long step
        gc.disable()
        try:
            name = cmd_name.replace("-", "_")
            command = getattr(import_module(f"sim7020_bridge.cli.{name}"), name)
        finally:
            gc.freeze()
            gc.enable()
        if not isinstance(command, click.Command):
            raise TypeError(f"{cmd_name} is not a command")
        return command


@click.group(
    help=_HELP,
    cls=_Subcommands,
    options_metavar="[--version] [-h]",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="sim7020-bridge", prog_name="sim7020-bridge")
def main() -> None:
    """Keep SIM7020 NB-IoT modems attached and map MQTT topics to their sockets."""
