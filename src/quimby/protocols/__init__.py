"""Protocol documents: one TOML file each, in a folder that is its own registry."""

from quimby.protocols.document import (
    Protocol,
    called,
    is_own,
    load,
    load_file,
    names,
    read,
    text_of,
)

__all__ = ["Protocol", "called", "is_own", "load", "load_file", "names", "read", "text_of"]
