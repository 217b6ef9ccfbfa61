"""What a certificate of a measurement says: a value, whoever prints it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from quimby.core.grid import Grid
from quimby.core.notes import Note, in_order
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.measure.scans import Device, EnergyWindow
from quimby.study.result import InputFile

UNKNOWN = "not stated"
Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One result with its doubt, or a number that carries none (`u` not known)."""

    name: str
    value: Uncertain
    unit: str


@dataclass(frozen=True, slots=True)
class Check:
    """Something looked at: what was found, what was wanted, and whether it held."""

    what: str
    found: str
    wanted: str
    passed: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A small table of texts; the first column is words, others are numbers."""

    title: str
    head: Row
    rows: tuple[Row, ...]
    words: tuple[int, ...] = (0,)


@dataclass(frozen=True, eq=False)
class Certificate:
    """One measurement of a camera, whole: results (the first leads), checks, and their grounds.

    `kind` is a word for programs ("planar-sensitivity"). `measured_at` is the moment of the
    scan, naive where its file has no zone.
    """

    kind: str
    title: str
    subtitle: str
    device: tuple[tuple[str, str], ...]
    how: str
    results: tuple[Quantity, ...]
    measured_at: date | None  # a datetime where a scan says it
    inputs: tuple[InputFile, ...]
    tables: tuple[Table, ...] = ()
    checks: tuple[Check, ...] = ()
    constants: tuple[Constant, ...] = ()
    notes: tuple[Note, ...] = ()
    valid_until: date | None = None
    validity: str = ""
    operator: str = ""
    extra: dict[str, Any] = field(default_factory=dict)  # for the JSON document alone

    @property
    def verdict(self) -> str:
        """ "failed" where a note blocks or a check fails, "warning" where one warns, "passed"."""
        severities = {n.severity for n in self.notes}
        if "blocking" in severities or not all(c.passed for c in self.checks):
            return "failed"
        return "warning" if "warning" in severities else "passed"


def noted(*groups: Iterable[Note]) -> tuple[Note, ...]:
    """Notes of several steps, each once, the severe ones first."""
    return in_order(n for group in groups for n in group)


def per_cent(fraction: float, digits: int = 1) -> str:
    """ "2.4 %"."""
    return f"{100 * fraction:.{digits}f} %".replace("-", "−")


def at_most(what: str, value: float, limit: float, digits: int = 1) -> Check:
    """A fraction that must not be above a limit."""
    return Check(what, per_cent(value, digits), f"at most {per_cent(limit, digits)}",
                 value <= limit)  # fmt: skip


def without(codes: Iterable[str], what: str, wanted: str, notes: Iterable[Note]) -> Check:
    """A check that holds where none of these notes was made; the note says what was found."""
    seen = [n for n in notes if n.code in codes]
    found = f"see {seen[0].code}" if seen else "nothing against it"
    return Check(what, found, wanted, not seen)


def kev(windows: Iterable[EnergyWindow]) -> str:
    """Energy windows in words."""
    return ", ".join(f"{w.lower_kev:.4g}–{w.upper_kev:.4g} keV" for w in windows) or UNKNOWN


def device_rows(
    device: Device, *, windows: Iterable[EnergyWindow] = (), collimators: Iterable[str] = (),
    grid: Grid | None = None,
) -> tuple[tuple[str, str], ...]:  # fmt: skip
    """What the files say about the machine and its set-up."""
    rows = [
        ("Camera", f"{device.manufacturer} {device.model}".strip() or UNKNOWN),
        ("Serial number", device.serial or UNKNOWN),
        ("Software", device.software.replace("\\", " · ") or UNKNOWN),
        ("Collimator", ", ".join(dict.fromkeys(collimators)) or device.collimator or UNKNOWN),
        ("Energy window", kev(tuple(windows) or device.windows)),
    ]
    if grid is not None:
        size = " × ".join(f"{mm:.4g}" for mm in grid.spacing_mm)
        rows.append(("Reconstruction", device.reconstruction or UNKNOWN))
        rows.append(("Corrections", ", ".join(dict.fromkeys(device.corrections)) or UNKNOWN))
        rows.append(("Matrix, voxel", f"{' × '.join(map(str, grid.shape[::-1]))}, {size} mm"))
    return tuple(rows)
