"""Messages that a CoAP server says it has, over a UDP socket of the module."""
