"""``far-end``: the server at the other end of sockets that speak CoAP."""

import logging
from pathlib import Path

import click

from sim7020_bridge import VERSION, logs
from sim7020_bridge.cli.exits import fail
from sim7020_bridge.cli.options import configuration
from sim7020_bridge.cli.stopping import let_go_of_the_terminal, run_until_stopped
from sim7020_bridge.service.systemd import Notifier


@click.command("far-end")
@configuration("The far end's configuration; see docs/far-end.md.")
@click.option("--check", is_flag=True, help="Say what is wrong with the configuration, and end.")
def far_end(file: Path, *, check: bool) -> None:
    """Run the far end: publish what modems send, sealed, at its own broker.

    A bridge whose socket has oscore sends to it. Each message is answered
    once the broker has it.

    \b
    Exit status: 0 stopped, or the configuration is valid, 1 its port or its
    file can't be used, 2 the configuration or the command line is wrong.

    \b
    Example:   sim7020-bridge far-end --config /etc/sim7020-far-end/far-end.yaml
    """
    # another program's: it is loaded for whoever runs it
    from sim7020_far_end.configuration import load  # noqa: PLC0415

    settings = load(file)
    if check:
        click.echo(f"{file}: valid", err=True)
        return
    from sim7020_far_end.far_end import FarEnd  # noqa: PLC0415 - what it needs may be missing

    async def run() -> None:
        await FarEnd(settings).run(lambda _port: Notifier().ready())

    logs.log_to_stderr(settings.logging)
    logging.getLogger("sim7020_far_end").info("sim7020-bridge %s, far end, configuration %s", VERSION, file.absolute())
    try:
        run_until_stopped(run())
    except OSError as error:
        host, port = settings.listen
        fail(f"{host}, UDP port {port}, can't be listened at: {error.strerror or error}")
    let_go_of_the_terminal()
