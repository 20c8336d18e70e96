"""A modem kept attached: its state, its bring-up, its sockets, and who starts over when it breaks."""
