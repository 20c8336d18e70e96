"""The bridge's command line inside the test's own process, for what needs neither a signal nor a terminal."""

from click.testing import CliRunner

from sim7020_bridge.cli import main


def typed(*arguments: str) -> tuple[int, str, str]:
    """Return exit status, standard output and standard error; what the program does not catch is raised."""
    result = CliRunner().invoke(main, arguments, prog_name="sim7020-bridge")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr
