"""Therapies: one declaration each, and the organs that outlines name."""

from quimby.therapies.declaration import Therapy, find, load, names
from quimby.therapies.organs import Organ, organ

__all__ = ["Organ", "Therapy", "find", "load", "names", "organ"]
