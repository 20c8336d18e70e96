"""The bridge's command line inside the test's own process, for what needs neither a signal nor a terminal."""

from click.testing import CliRunner

from sim7020_bridge.cli import main


def typed(*arguments: str, piped: str | bytes | None = None) -> tuple[int, str, str]:
    """Run a subcommand; return exit status, standard output and standard error. What it does not catch is raised."""
    result = CliRunner().invoke(main, arguments, piped, prog_name="sim7020-bridge")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr
