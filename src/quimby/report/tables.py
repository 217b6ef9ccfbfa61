"""Pages two to seven as data: rounded texts in rows, for the template to lay out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from quimby.core.source import TAGS, Constant
from quimby.core.uncertain import Uncertain
from quimby.report import rounding as say
from quimby.report import words
from quimby.study.result import Curve, RegionResult, Result

Table = dict[str, Any]
MODELS = {
    "mono": "mono-exponential",
    "bi": "bi-exponential",
    "uptake-clearance": "uptake–clearance",
    "partial-uptake": "part taken up at once, part later",
    "bi-clearance": "two clearance phases",
    "tri": "uptake, then two clearance phases",
    "physical": "physical decay alone",
    "trapezoid": "straight lines between readings, exponential tail",
    "twice-time": "one scan, 2 t A / ln 2 (Hänscheid 2018)",
    "population-half-life": "one scan, the population's half-life (Madsen 2018)",
    "time-factor": "one scan, time–dose factor of the population",
}
CAUSES_SHOWN = 5
NBSP = "\u00a0"
OUTLINE = "outline "
KINDS = {"spect": "SPECT", "planar": "planar"}


def curve_words(region: RegionResult) -> Table:
    """The two lines under a curve."""
    c = region.curve
    assert c is not None
    halves = "; ".join(
        f"{'T½ eff' if name == 'effective' else f'T½ {name}'} {say.plus_minus(x, 'h')}"
        for name, x in c.half_lives_h.items()
    )
    head, last = say.percent(c.head_fraction), say.percent(c.tail_fraction)
    tail = f"Before the first scan {head} of the TIA, after the last {last}."
    return {"name": region.name, "model": MODELS.get(c.model, c.model), "halves": halves,
            "tail": tail, "fit": _fit(c), "alternatives": _alternatives(c)}  # fmt: skip


def _fit(c: Curve) -> str:
    if not c.degrees_of_freedom:
        return "Fit not judged (0 d.f.)."
    return f"χ² {c.chi2:.1f} with {c.degrees_of_freedom} d.f."


def _alternatives(c: Curve) -> str:
    """Other models, by how much each moves the integral, and what was said of it."""
    used = next((a.tia_mbq_h for a in c.alternatives if a.verdict == "used"), None)
    parts = []
    for a in c.alternatives:
        if a.verdict == "used":
            continue
        moved = f" {say.deviation(a.tia_mbq_h, used)}" if a.tia_mbq_h and used else ""
        verdict = a.verdict.replace("p = 0.000", "p < 0.001")
        parts.append(f"{MODELS.get(a.model, a.model)}{moved} ({verdict})")
    return f"Also tried: {'; '.join(parts)}." if parts else "No other model was tried."


def _pm(x: Uncertain) -> str:
    return say.plus_minus(x)


def _regions(result: Result) -> list[RegionResult]:
    return [*result.combined, *result.regions]


def lesions(result: Result) -> Table:
    """Every lesion with its dose, volume and recovery."""
    rows = []
    for r in (r for r in result.regions if r.organ == "lesion"):
        low = f"{min(r.recovery):.2f}" if r.recovery else "–"
        rows.append([
            r.name, _pm(r.volume_ml), _pm(r.absorbed_dose_gy), say.interval(r.absorbed_dose_gy),
            say.significant(r.dose_per_activity_gy_per_gbq.value), _pm(r.total_dose_gy), low,
            r.population[0].source if r.population else "no reference available",
        ])  # fmt: skip
    head = ["Lesion", "Volume, ml", "This cycle, Gy", "95 %, Gy", "Gy/GBq", "Total, Gy",
            "Recovery", "Compared with"]  # fmt: skip
    return {"head": head, "rows": rows}


def dvh(result: Result) -> Table:
    """Dose-volume figures of each region that has voxel doses, and how well its voxels close."""
    rows = []
    fitted = any(r.voxel_fallback is not None for r in result.regions)
    for r in _regions(result):
        if r.dvh is None:
            continue
        d = r.dvh
        cells = [say.significant(x, 3) for x in (d.mean_gy, d.d98_gy, d.d90_gy, d.d70_gy, d.d50_gy,
                                                 d.d2_gy)]  # fmt: skip
        rescale = f"{r.voxel_rescale:.3f}" if r.voxel_rescale is not None else "–"
        rows.append([r.name, *cells, rescale, *_voxel_sums(r, fitted)])
    head = ["Region", "Mean, Gy", "D98, Gy", "D90, Gy", "D70, Gy", "D50, Gy", "D2, Gy",
            "Organ / voxel sum", "Closure", *(["By rule"] if fitted else [])]  # fmt: skip
    return {"head": head, "rows": rows}


def _voxel_sums(row: RegionResult, fitted: bool) -> list[str]:
    """Voxels against the region's curve before scaling; share without a curve of their own."""
    closure = say.deviation(1.0 + row.voxel_closure, 1.0) if row.voxel_closure is not None else "–"
    ruled = say.percent(row.voxel_fallback) if row.voxel_fallback is not None else "–"
    return [closure, ruled] if fitted else [closure]


def activities(result: Result) -> Table:
    """Activity of each region at each scan, MBq ± u."""
    scans = result.measurements
    rows = []
    for r in _regions(result):
        by_scan = {s.measurement: s for s in r.samples}
        cells = [_pm(by_scan[m.id].activity_mbq) if m.id in by_scan else "–" for m in scans]
        rows.append([r.name, *cells])
    head = ["Activity, MBq ± u", *[f"{m.id}, {say.hours(m.time_h)}" for m in scans]]
    return {"head": head, "rows": rows}


def integrals(result: Result) -> Table:
    """Time-integrated activity, mass and what turned them into dose."""
    rows = [
        [r.name, _pm(r.tia_mbq_h), _pm(r.tiac_h), _pm(r.mass_g), _pm(r.volume_ml),
         _span(r.recovery), f"{r.electron_fraction:.3f}", say.percent(r.photon_estimate)]
        for r in _regions(result)
    ]  # fmt: skip
    head = ["Region", "TIA, MBq h", "TIAC, h", "Mass, g", "Volume, ml", "Recovery",
            "Electron φ", "Photons*"]  # fmt: skip
    return {"head": head, "rows": rows}


def _span(values: tuple[float, ...]) -> str:
    ends = [f"{x:.2f}" for x in (min(values), max(values))] if values else ["–"]
    return "–".join(dict.fromkeys(ends))


def budget(result: Result) -> Table:
    """The largest causes of each dose's doubt, as per cent of the dose."""
    rows = []
    for r in _regions(result):
        dose = r.absorbed_dose_gy
        causes = dose.budget()
        shown = [f"{c}:{NBSP}{100 * u / abs(dose.value):.1f}{NBSP}%"
                 for c, u in causes[:CAUSES_SHOWN]]  # fmt: skip
        left = len(causes) - len(shown)
        tail = f"; {left}{NBSP}smaller" if left > 0 else ""
        total = f"{100 * dose.u_rel:.1f} %" if dose.u else say.NOT_KNOWN
        rows.append([r.name, total, "; ".join(shown) + tail])
    return {
        "head": ["Region", "u (k = 1)", "Largest causes, as per cent of the dose"],
        "rows": rows,
    }


def monte_carlo(result: Result) -> Table:
    """Doubt of each dose to first order beside that by Monte Carlo."""
    rows = []
    for x in result.monte_carlo:
        value, drawn = x.first_order.value, x.monte_carlo
        low, high = (say.fixed(end, say.last_place(2 * drawn.u)) for end in drawn.interval_95)
        rows.append([
            x.name, f"{100 * x.first_order.u_rel:.1f} %", f"{100 * drawn.u / abs(value):.1f} %",
            "yes" if x.agrees else f"no: {100 * (x.ratio - 1):+.0f} %",
            say.interval(x.first_order), f"{low}–{high}", str(drawn.lost),
        ])  # fmt: skip
    head = ["Region", "u, first order", "u, drawn", "Within 10 %", "95 %, first order, Gy",
            "95 %, drawn, Gy", "Draws without a curve"]  # fmt: skip
    return {"head": head, "rows": rows}


def registrations(result: Result) -> Table:
    """How the scans lie on the reference."""
    rows = []
    for x in (r for r in result.registrations if r.measurement != r.reference):
        size = sum(s * s for s in x.shift_mm) ** 0.5
        offs = ", ".join(
            f"{k}:{NBSP}{v:.1f}".replace(" ", NBSP) for k, v in x.region_shift_mm.items()
        )
        rows.append([
            f"{x.measurement} → {x.reference}", f"{size:.1f}", f"{x.angle_deg:.1f}",
            f"{x.similarity_before:.2f} → {x.similarity:.2f}", say.percent(x.overlap), offs or "–",
        ])  # fmt: skip
    head = ["Pair", "Shift, mm", "Turn, °", "Likeness", "Body seen",
            "Uptake off its outline, mm"]  # fmt: skip
    return {"head": head, "rows": rows}


def effects(result: Result) -> Table:
    """BED and EQD2 where they apply."""
    rows = [
        [r.name, _pm(r.bed_gy), say.interval(r.bed_gy), _pm(r.eqd2_gy) if r.eqd2_gy else "–",
         _pm(r.total_bed_gy) if r.total_bed_gy else "–"]
        for r in _regions(result)
        if r.bed_gy is not None
    ]  # fmt: skip
    head = ["Region", "BED this cycle, Gy", "95 %, Gy", "EQD2 this cycle, Gy", "BED total, Gy"]
    return {"head": head, "rows": rows}


def constants(result: Result) -> Table:
    """Each constant with its source and evidence tag."""
    rows = [[f"{c.name}{'' if c.verified else ' †'}", _constant(c), c.unit, _source(c), c.tag]
            for c in result.trace.constants]  # fmt: skip
    key = "; ".join(f"{tag}: {meaning}" for tag, meaning in TAGS.items())
    return {"head": ["Constant", "Value", "Unit", "Source", "Tag"], "rows": rows, "key": key}


def _source(c: Constant) -> str:
    return f"{c.source}; {c.confirmed.words}" if c.confirmed else c.source


def _constant(c: Constant) -> str:
    return say.plus_minus(Uncertain(c.value, {"u": c.u})) if c.u else f"{c.value:g}"


def exposures(result: Result) -> Table:
    """Earlier doses that count towards the total."""
    rows = [[e.organ, e.what, words.iso_day(e.date), _pm(e.dose_gy),
             _pm(e.bed_gy) if e.bed_gy else "–"] for e in result.exposures]  # fmt: skip
    return {"head": ["Organ", "What", "Date", "Dose, Gy", "BED, Gy"], "rows": rows}


def devices(result: Result) -> Table:
    """Each measurement as used."""
    rows = [[m.id, KINDS.get(m.kind, m.kind), m.device, words.clock(m.acquired_at),
             say.hours(m.time_h), f"{m.duration_s / 60:.1f}",
             " × ".join(f"{x:.2f}" for x in m.voxel_mm)]
            for m in result.measurements]  # fmt: skip
    head = ["Scan", "Kind", "Device", "Started", "After start", "Duration, min", "Voxel, mm"]
    return {"head": head, "rows": rows}


def inputs(result: Result) -> Table:
    """Input files and their digests."""
    rows = [[i.role, i.path, str(i.files), i.sha256] for i in result.trace.inputs]
    return {"head": ["Role", "Path", "Files", "SHA-256"], "rows": rows}


def methods(result: Result) -> Table:
    """What was done at each step; outlines made alike in one row."""
    rows: list[list[str]] = []
    for step, done in result.trace.methods:
        same = rows and step.startswith(OUTLINE) and rows[-1][1] == done
        if same and rows[-1][0].startswith((OUTLINE, f"{OUTLINE[:-1]}s ")):
            rows[-1][0] = f"outlines {rows[-1][0].split(' ', 1)[1]}, {step.removeprefix(OUTLINE)}"
        else:
            rows.append([step, done])
    return {"head": ["Step", "Method"], "rows": rows}


def software(result: Result) -> str:
    """Versions, in one line."""
    libraries = ", ".join(f"{k} {v}" for k, v in sorted(result.trace.libraries.items()))
    return f"Quimby {result.trace.quimby_version}; {libraries}"


def last_moment(result: Result) -> datetime:
    """The last time that data were taken, scans and readings."""
    moments = [m.acquired_at for m in result.measurements]
    moments += [p.at for stage in result.stages for x in stage.series for p in x.points]
    return max(moments or [result.administered_at], key=lambda m: m.astimezone(UTC))


def until(result: Result) -> str:
    """The day of the last data, which fixes the report's own clock."""
    return words.day(last_moment(result))
