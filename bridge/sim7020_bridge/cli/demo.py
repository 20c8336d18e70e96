"""``demo``: everything on this machine."""

import sys

import click

from sim7020_bridge.demo.demo import run_demo


@click.command()
@click.option(
    "--once", is_flag=True, help="End after one UDP and one TCP round trip and a visit to the page, with a summary."
)
def demo(*, once: bool) -> None:
    """Show it all on this machine, without hardware: modem, broker, servers, bridge and its page.

    \b
    Exit status: 0 all went well, 1 something failed.

    \b
    Example:   sim7020-bridge demo --once
    """
    sys.exit(run_demo(once=once))
