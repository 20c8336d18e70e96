"""``demo``: everything on this machine."""

import sys

import click

from sim7020_bridge.demo.demo import run_demo
from sim7020_bridge.demo.stage import PROFILES


@click.command()
@click.option(
    "--once", is_flag=True, help="End after one UDP and one TCP round trip and a visit to the page, with a summary."
)
@click.option("--profile", type=click.Choice(PROFILES), help="Have the network do what networks in the field do.")
def demo(*, once: bool, profile: str | None) -> None:
    """Show it all on this machine, without hardware: modem, broker, servers, bridge and its page.

    \b
    Exit status: 0 all went well, 1 something failed.

    \b
    Example:   sim7020-bridge demo --once
    """
    sys.exit(run_demo(once=once, profile=profile))
