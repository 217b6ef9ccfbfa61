"""Does a scan fit the calibration it is used with?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from quimby.core.notes import Note, note, refusal

UNKNOWN = "unknown"
WINDOW_TOLERANCE_KEV = 2.0  # rounding of window edges between a console and its files [P]


def same(text: str, other: str) -> bool | None:
    """Whether two texts say the same, whatever their case and spaces; None where one is silent."""
    a, b = ("".join(t.split()).casefold() for t in (text, other))
    return None if UNKNOWN in (a or UNKNOWN, b or UNKNOWN) else a == b


def silent_notes(names: Iterable[str], *, where: str) -> tuple[Note, ...]:
    """One W-CAL-UNKNOWN for all that could not be compared."""
    words = list(names)
    return (note("W-CAL-UNKNOWN", where=where, what=", ".join(words)),) if words else ()


def check_collimator(scan: str, record: str, *, where: str) -> bool | None:
    """E-CAL-WINDOW where the collimators differ; None where one is not known."""
    fits = same(scan, record)
    if fits is False:
        raise refusal("E-CAL-WINDOW", where=where, what="collimator", scan=scan, record=record)
    return fits


def check_windows(
    scan: Iterable[tuple[float, float]], record: Iterable[tuple[float, float]], *, where: str
) -> bool | None:
    """E-CAL-WINDOW where a window (lower, upper keV) of the scan is none of the record's.

    A reconstruction may list its photopeak alone, so fewer windows than at calibration fit.
    """
    ours, theirs = list(scan), list(record)
    if not ours or not theirs:
        return None
    for low, high in ours:
        if not any(_close(low, a) and _close(high, b) for a, b in theirs):
            raise refusal("E-CAL-WINDOW", where=where, what="energy window",
                          scan=_kev(ours), record=_kev(theirs))  # fmt: skip
    return True


def reconstruction_notes(scan: str, record: str, *, where: str) -> tuple[Note, ...]:
    """W-CAL-RECON where the reconstructions differ (recovery is refused: E-RC-RECON)."""
    if same(scan, record) is not False:
        return ()
    return (note("W-CAL-RECON", where=where, scan=scan, record=record),)


def software_notes(scan: str, record: str, *, where: str) -> tuple[Note, ...]:
    """W-CAL-SW where the camera's software has changed."""
    if same(scan, record) is not False:
        return ()
    return (note("W-CAL-SW", where=where, scan=scan, record=record),)


def serial_notes(scan: str, record: str, *, level: str, where: str) -> tuple[Note, ...]:
    """S-CAL-SERIAL where a local calibration is used on another camera."""
    if level == "generic" or same(scan, record) is not False:
        return ()
    return (note("S-CAL-SERIAL", where=where, scan=scan, record=record),)


def check_nuclide(scan: str, record: str, *, canonical: Callable[[str], str], where: str) -> bool:
    """E-CAL-NUCLIDE where they differ; False where the scan does not say its nuclide."""
    if not scan:
        return False
    if canonical(scan) != canonical(record):
        raise refusal("E-CAL-NUCLIDE", where=where, scan=scan, record=record)
    return True


def date_notes(
    scanned: date, *, made: date, valid_until: date, where: str
) -> tuple[Note, ...]:  # fmt: skip
    """W-CAL-EXPIRED after the last valid day, S-CAL-EXPIRED more than one interval after it.

    The interval runs from the calibration to its last valid day. S-CAL-FUTURE where the
    calibration was made after the scan.
    """
    if scanned < made:
        return (note("S-CAL-FUTURE", where=where, value=(made - scanned).days),)
    late, interval = (scanned - valid_until).days, (valid_until - made).days
    if late <= 0:
        return ()
    code = "S-CAL-EXPIRED" if late > interval else "W-CAL-EXPIRED"
    return (note(code, where=where, value=late, limit=interval),)


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= WINDOW_TOLERANCE_KEV


def _kev(windows: Iterable[tuple[float, float]]) -> str:
    return ", ".join(f"{low:g}-{high:g} keV" for low, high in windows)
