"""Jobs of `quimby device`: each reads, calls, shows."""
