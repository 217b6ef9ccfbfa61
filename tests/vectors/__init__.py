"""Adapters from the specification's worked vectors to public functions. See registry.py."""
