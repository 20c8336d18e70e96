"""``demo``: everything on this machine."""

import sys

import click

from sim7020_bridge.demo.demo import run_demo


@click.command()
@click.option("--once", is_flag=True, help="End after one UDP and one TCP round trip, with a summary.")
def demo(*, once: bool) -> None:
    """Show it all on this machine, without hardware: modem, broker, servers and bridge.

    \b
    Exit status: 0 all went well, 1 something failed.

    \b
    Example:   sim7020-bridge demo --once
    """
    sys.exit(run_demo(once=once))
