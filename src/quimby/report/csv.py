"""tables/*.csv: one table a file, units in the headers, a point as decimal sign, unrounded."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from quimby.core.notes import in_order
from quimby.core.uncertain import Uncertain
from quimby.report import lesions, planar
from quimby.report.cohort import document as cohort
from quimby.report.readings.sheets import Cell, sheets
from quimby.study.result import RegionResult, Result


def tables(result: Result) -> dict[str, str]:
    """File name -> text. Lines end in CR LF, as RFC 4180 says; text is UTF-8.

    Level 1 has the doses of published patients. A result with readings has the tables of its
    readings; those of scans only where it has regions too, its doses and budget then under
    `regions_`.
    """
    if result.cohort:
        return {"cohort.csv": _text(cohort.HEAD, cohort.rows(result)),
                "constants.csv": _constants(result), "notes.csv": _notes(result)}  # fmt: skip
    if not result.stages:
        return _of_scans(result)
    found = {name: _text(head, rows) for name, (head, rows) in sheets(result).items()}
    behind = _of_scans(result)
    if not (result.regions or result.combined):
        return found | {name: behind[name] for name in ("constants.csv", "notes.csv")}
    return found | {f"regions_{n}" if n in found else n: text for n, text in behind.items()}


def _of_scans(result: Result) -> dict[str, str]:
    followed = {"lesions.csv": _text(lesions.HEAD, lesions.rows(result))} if result.lesions else {}
    counted = {"planar.csv": _text(planar.HEAD, planar.rows(result))} if result.planar else {}
    return {
        "doses.csv": _doses(result),
        "samples.csv": _samples(result),
        "budget.csv": _budget(result),
        "dvh.csv": _dvh(result),
        "constants.csv": _constants(result),
        "registrations.csv": _registrations(result),
        "notes.csv": _notes(result),
        **counted,
        **followed,
    }


def _text(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([_cell(x) for x in row] for row in rows)
    return out.getvalue()


def _cell(x: Cell) -> str:
    """Numbers as the shortest text that reads back; a text that a spreadsheet would run as a
    formula is led by an apostrophe."""
    if x is None:
        return ""
    if isinstance(x, bool):
        return "yes" if x else "no"
    if isinstance(x, float):
        return repr(float(x))
    text = str(x)
    return f"'{text}" if isinstance(x, str) and text[:1] in "=+-@\t\r" and text else text


def _regions(result: Result) -> list[RegionResult]:
    return [*result.combined, *result.regions]


def _pair(x: Uncertain | None) -> tuple[Cell, Cell]:
    return (float(x.value), float(x.u)) if x is not None else (None, None)


QUANTITIES = (
    ("volume", "ml", "volume_ml"),
    ("mass", "g", "mass_g"),
    ("tia", "MBq h", "tia_mbq_h"),
    ("tiac", "h", "tiac_h"),
    ("absorbed dose", "Gy", "absorbed_dose_gy"),
    ("dose per activity", "Gy/GBq", "dose_per_activity_gy_per_gbq"),
    ("bed", "Gy", "bed_gy"),
    ("eqd2", "Gy", "eqd2_gy"),
    ("total dose", "Gy", "total_dose_gy"),
    ("total bed", "Gy", "total_bed_gy"),
)


def _doses(result: Result) -> str:
    head = ["region", "organ", "side", "members"]
    for name, unit, _ in QUANTITIES:
        head += [f"{name} [{unit}]", f"u {name} [{unit}]"]
        if name == "absorbed dose":
            head += ["95 % low [Gy]", "95 % high [Gy]"]
    return _text([*head, "highest share of limit [1]"], (_dose_row(r) for r in _regions(result)))


def _dose_row(r: RegionResult) -> list[Cell]:
    row: list[Cell] = [r.name, r.organ, r.side, "; ".join(r.members)]
    for name, _, attribute in QUANTITIES:
        row += _pair(getattr(r, attribute))
        if name == "absorbed dose":
            low, high = r.absorbed_dose_gy.interval()
            row += [float(low), float(high)]
    return [*row, max((c.share for c in r.limits), default=None)]


def _samples(result: Result) -> str:
    head = ["region", "measurement", "time after start [h]", "activity [MBq]", "u activity [MBq]",
            "before partial-volume correction [MBq]", "residual [u]"]  # fmt: skip
    rows: list[list[Cell]] = []
    for r in _regions(result):
        residuals = r.curve.residuals_u if r.curve else ()
        for index, s in enumerate(r.samples):
            residual = float(residuals[index]) if index < len(residuals) else None
            rows.append([r.name, s.measurement, float(s.time_h), *_pair(s.activity_mbq),
                         float(s.uncorrected_mbq), residual])  # fmt: skip
    return _text(head, rows)


def _budget(result: Result) -> str:
    head = ["region", "quantity", "cause", "signed u [Gy]", "share of variance [1]"]
    rows: list[list[Cell]] = []
    for r in _regions(result):
        for quantity, x in (("absorbed dose", r.absorbed_dose_gy), ("BED", r.bed_gy)):
            if x is None:
                continue
            for cause, _ in x.budget():
                part = float(x.parts[cause])
                rows.append([r.name, quantity, cause, part, (part / x.u) ** 2])
    return _text(head, rows)


def _dvh(result: Result) -> str:
    rows: list[list[Cell]] = []
    for r in _regions(result):
        if r.dvh is not None:
            pairs = zip(r.dvh.dose_gy, r.dvh.volume_fraction, strict=True)
            rows += [[r.name, float(d), float(v)] for d, v in pairs]
    return _text(["region", "dose [Gy]", "volume receiving at least this [1]"], rows)


def _constants(result: Result) -> str:
    head = ["constant", "value", "u", "unit", "source", "tag", "verified", "confirmed"]
    rows: list[list[Cell]] = [
        [
            c.name,
            float(c.value),
            float(c.u),
            c.unit,
            c.source,
            c.tag,
            c.verified,
            c.confirmed.words if c.confirmed else "",
        ]
        for c in result.trace.constants
    ]
    return _text(head, rows)


def _registrations(result: Result) -> str:
    head = ["measurement", "reference", "shift x [mm]", "shift y [mm]", "shift z [mm]",
            "turn [deg]", "similarity before [1]", "similarity [1]", "overlap [1]", "region",
            "uptake off its outline [mm]"]  # fmt: skip
    rows: list[list[Cell]] = []
    for x in result.registrations:
        shared: list[Cell] = [x.measurement, x.reference, *map(float, x.shift_mm),
                              float(x.angle_deg), float(x.similarity_before),
                              float(x.similarity), float(x.overlap)]  # fmt: skip
        offs = sorted(x.region_shift_mm.items())
        rows += [[*shared, region, float(off)] for region, off in offs] or [[*shared, "", None]]
    return _text(head, rows)


def _notes(result: Result) -> str:
    head = ["code", "severity", "text", "where", "do", "value", "limit"]
    rows: Iterable[list[Cell]] = ([n.code, n.severity, n.text, n.where, n.do, n.value, n.limit]
            for n in in_order(result.notes))  # fmt: skip
    return _text(head, rows)
