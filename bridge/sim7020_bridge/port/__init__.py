"""Serial ports: open one, list them, say who holds one."""
