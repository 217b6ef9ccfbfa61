"""Device documents for tests: a counter that is ready, as text and as a file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from quimby.devices import qc_calendar

READY = dt.date(2025, 1, 13)
HEAD = """\
# kept by the physics group
id = "counter 1"
kind = "gamma counter"
manufacturer = "Maker"
model = "2480"
serial = "77"   # on the back
dead_time = "none"

[background]
counts = 600
time_s = 600
at = 2025-01-13T08:00:00+01:00

# the cesium, in the left drawer
[check_source]
id = "Cs 12"
nuclide = "Cs-137"
reading = 1000.0
unit = "cps"
at = 2025-01-13T08:00:00+01:00
"""


def counter_text(*, ready: bool = True, more: str = "") -> str:
    """A gamma counter; with `ready`, every check was done on `READY`."""
    rows = [
        f'\n[[done]]\ntest = "{t.id}"\non = {READY}\nresult = "pass"\nby = "K. Lind"\n'
        for t in qc_calendar.calendar("gamma counter")
    ]
    return HEAD + more + ("".join(rows) if ready else "")


def counter(folder: Path, *, ready: bool = True, more: str = "") -> Path:
    """The same as a file."""
    path = folder / "counter.toml"
    path.write_text(counter_text(ready=ready, more=more), "utf-8")
    return path
