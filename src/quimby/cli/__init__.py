"""The command line: reads, calls, shows."""
