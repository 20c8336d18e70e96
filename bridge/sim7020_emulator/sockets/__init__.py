"""The module's sockets, and the network behind them."""
