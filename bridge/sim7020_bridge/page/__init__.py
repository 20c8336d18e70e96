"""The page: the bridge in a browser, as a client of the contract."""
