"""``completion``: what makes a shell complete the bridge's commands and options."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands and options.

    \b
    bash   into ~/.local/share/bash-completion/completions/sim7020-bridge
    zsh    into _sim7020-bridge in a directory of your $fpath
    fish   into ~/.config/fish/completions/sim7020-bridge.fish

    \b
    Example:   eval "$(sim7020-bridge completion bash)"
    """
    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(script(ctx.find_root().command, {}, "sim7020-bridge", "_SIM7020_BRIDGE_COMPLETE").source())
