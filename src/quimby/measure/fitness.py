"""Whether a reconstructed scan can serve dosimetry at all, said with every reason at once."""

from __future__ import annotations

from quimby.core.notes import refusal
from quimby.measure.scans import EmissionScan


def shortcomings(scan: EmissionScan) -> tuple[str, ...]:
    """What a scan lacks for dosimetry, in words; empty where it lacks nothing."""
    found = [
        f"its file does not say the {word} of its slices, so it lies on no CT"
        for word in _lost(scan)
    ]
    if scan.image.unit == "counts" and scan.timing is None:
        found.append("it does not say how long it counted")
    if scan.image.unit == "counts" and not scan.device.windows:
        found.append("it names no energy window")
    if scan.acquired_at is None:
        found.append("it does not say when it was made")
    return tuple(found)


def check_for_dosimetry(scan: EmissionScan) -> None:
    """E-DCM-UNFIT for a scan whose place in the patient is not known; names all it lacks.

    Counting time, window and clock time a person can add, so alone they do not refuse a scan.
    """
    if _lost(scan):
        where = str(scan.files[0]) if scan.files else scan.description
        raise refusal("E-DCM-UNFIT", where=where, why="; ".join(shortcomings(scan)))


def _lost(scan: EmissionScan) -> tuple[str, ...]:
    """Parts of the geometry that the reader had to assume (S-DCM-GEOM)."""
    return tuple(
        word
        for n in scan.notes
        if n.code == "S-DCM-GEOM"
        for word in ("position", "orientation")
        if word in n.text
    )
