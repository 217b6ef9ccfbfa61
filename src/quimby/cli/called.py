"""By which word this program was called, so that what it proposes can be typed as it stands."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

NAME = "quimby"
CALLED_AS = "QUIMBY_CALLED_AS"
"""Set by the script of a checkout to its own name, as it was typed."""


def called_as() -> str:
    """The bare word where the shell finds this program so; else the way it was called."""
    told = os.environ.get(CALLED_AS, "")
    if told:
        return told
    here, found = Path(sys.argv[0]), shutil.which(NAME)
    if here.name != NAME or not here.exists():  # a library, a test, python -m
        return NAME
    return NAME if found and Path(found).samefile(here) else sys.argv[0]
