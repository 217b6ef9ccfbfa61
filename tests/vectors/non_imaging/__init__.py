"""Adapters from the vectors of the non-imaging specification. See registry.py."""
