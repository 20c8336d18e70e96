"""Entry point of ``python -m sim7020_bridge`` and of the console script."""

import signal
import sys
from importlib import import_module


def main() -> None:
    """Run the command line; signals for the service wait until it listens, and neither end it before nor are lost."""
    if sys.argv[1:2] == ["run"]:
        waiting = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
        signal.pthread_sigmask(signal.SIG_BLOCK, waiting)
    import_module("sim7020_bridge.cli").main()


if __name__ == "__main__":
    main()
