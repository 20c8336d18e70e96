"""Entry point of ``python -m sim7020_bridge`` and of the console script."""

from sim7020_bridge.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
