"""Protocol documents: one TOML file each, in a folder that is its own registry."""

from quimby.protocols.document import Protocol, load, load_file, names, read

__all__ = ["Protocol", "load", "load_file", "names", "read"]
