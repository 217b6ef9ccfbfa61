"""Step 6, dose: mean dose, effect, totals, limits and the place among other patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from quimby.core.notes import Note
from quimby.core.uncertain import Uncertain, combine, total
from quimby.dose.self_dose import self_dose
from quimby.effect import bed, limits
from quimby.kinetics.bounds import check_bound
from quimby.physics.nuclides import Nuclide
from quimby.population import places, plausible
from quimby.protocols import Protocol
from quimby.study.curves import RegionCurve
from quimby.study.result import Exposure, RegionResult, Sample
from quimby.therapies import Organ, Therapy

PAIR_NAMES = {"kidney": "Kidneys", "parotid": "Parotid glands", "lacrimal": "Lacrimal glands",
              "submandibular": "Submandibular glands"}  # fmt: skip
METHOD = "SPECT"  # cohorts measured alike stand first


@dataclass(frozen=True, eq=False)
class Setting:
    """What every region's dose needs beside its own curve and mass."""

    nuclide: Nuclide
    therapy: Therapy
    protocol: Protocol
    administered_mbq: Uncertain
    risk_factors: tuple[str, ...]
    single_kidney: bool
    sex: str


def region_result(
    name: str, organ: Organ, curve: RegionCurve, volume_mass: tuple[Uncertain, Uncertain],
    setting: Setting,
) -> tuple[RegionResult, tuple[Note, ...]]:  # fmt: skip
    """One outlined region: dose from its own electrons, BED where its tissue is known."""
    volume, mass = volume_mass
    nuclide = setting.nuclide
    found = self_dose(curve.tia_mbq_h, mass, nuclide.electron_mev, name=nuclide.name)
    tiac = curve.tia_mbq_h / setting.administered_mbq
    check_bound(tiac.value, physical_half_life_h=nuclide.half_life_h.value, where=name)
    row = RegionResult(
        name=name, organ=organ.name, side=organ.side, members=(), volume_ml=volume, mass_g=mass,
        samples=curve.samples, curve=curve.curve, tia_mbq_h=curve.tia_mbq_h, tiac_h=tiac,
        absorbed_dose_gy=found.dose_gy,
        dose_per_activity_gy_per_gbq=per_gbq(found.dose_gy, setting.administered_mbq),
        electron_fraction=found.electron_fraction, photon_estimate=found.photon_estimate,
        bed_gy=None, eqd2_gy=None, total_dose_gy=found.dose_gy, total_bed_gy=None, limits=(),
        population=(), dvh=None, voxel_rescale=None,
        recovery=tuple(s.uncorrected_mbq / s.activity_mbq.value for s in curve.samples),
    )  # fmt: skip
    row, notes = with_effect(row, curve.curve.amplitudes_mbq, curve.curve.rates_per_h, setting)
    return row, (*curve.notes, *notes)


def per_gbq(dose_gy: Uncertain, administered_mbq: Uncertain) -> Uncertain:
    return dose_gy / administered_mbq.scaled(1e-3)


def with_effect(
    row: RegionResult, amplitudes: Sequence[float], rates: Sequence[float], setting: Setting
) -> tuple[RegionResult, tuple[Note, ...]]:
    """BED and EQD2 of this cycle, and the place among published patients."""
    tissue = setting.therapy.tissue_of(row.organ)
    if tissue is not None:
        effect = bed.effect(row.absorbed_dose_gy, amplitudes, rates, tissue)
        row = replace(row, bed_gy=effect.bed_gy, eqd2_gy=effect.eqd2_gy,
                      total_bed_gy=effect.bed_gy)  # fmt: skip
    value = row.dose_per_activity_gy_per_gbq.value
    outlier = plausible.outlier_note(value, row.organ, where=row.name,
                                     cycle_gbq=setting.administered_mbq.value / 1000)  # fmt: skip
    return replace(row, population=_population(row, setting)), (outlier,) if outlier else ()


def with_totals(
    row: RegionResult, exposures: Sequence[Exposure]
) -> tuple[RegionResult, tuple[Note, ...]]:
    """The course's totals: this cycle and what else the organ got; W-BED-EXPOSURE."""
    others = [e for e in exposures if _same_organ(e, row)]
    dose = total([row.absorbed_dose_gy, *(e.dose_gy for e in others)])
    row = replace(row, total_dose_gy=dose)
    if row.bed_gy is None:
        return row, ()
    in_bed, notes = bed.total_bed(row.bed_gy, [(e.what, e.bed_gy) for e in others], where=row.name)
    return replace(row, total_bed_gy=in_bed), notes


def _same_organ(exposure: Exposure, row: RegionResult) -> bool:
    """An earlier dose counts for its organ; of a lesion, only under the lesion's own name."""
    if row.organ == "lesion":
        return exposure.organ == row.name
    return exposure.organ in (row.organ, row.name)


def _population(row: RegionResult, setting: Setting) -> tuple[places.Place, ...]:
    cohorts = places.table(setting.protocol.compare.population)
    return places.places(row.dose_per_activity_gy_per_gbq.value, row.organ, cohorts,
                         method=METHOD)  # fmt: skip


def combined(
    rows: Sequence[RegionResult], setting: Setting
) -> tuple[tuple[RegionResult, ...], tuple[Note, ...]]:
    """Pairs taken together (both kidneys): sums of activity and mass, mean dose by mass."""
    found: list[RegionResult] = []
    notes: list[Note] = []
    for organ in setting.therapy.pairs:
        sides = [r for r in rows if r.organ == organ]
        if {r.side for r in sides} != {"left", "right"} or len(sides) != 2:
            continue
        left, right = sorted(sides, key=lambda r: r.side)
        pair, seen = _pair(PAIR_NAMES.get(organ, organ), left, right, setting)
        sides_gy = left.absorbed_dose_gy.value, right.absorbed_dose_gy.value
        uneven = plausible.left_right_note(*sides_gy, where=pair.name)
        found.append(pair)
        notes += [*seen, *([uneven] if uneven else [])]
    return tuple(found), tuple(notes)


def _pair(
    name: str, left: RegionResult, right: RegionResult, setting: Setting
) -> tuple[RegionResult, tuple[Note, ...]]:
    mass = left.mass_g + right.mass_g
    dose = mean_by_mass(left, right)
    assert left.curve is not None
    assert right.curve is not None
    row = RegionResult(
        name=name, organ=left.organ, side="both", members=(left.name, right.name),
        volume_ml=left.volume_ml + right.volume_ml, mass_g=mass,
        samples=tuple(
            replace(a, activity_mbq=a.activity_mbq + b.activity_mbq,
                    uncorrected_mbq=a.uncorrected_mbq + b.uncorrected_mbq,
                    by_recovery_curve_mbq=None)
            for a, b in _together(left, right)
        ),
        curve=None, tia_mbq_h=left.tia_mbq_h + right.tia_mbq_h,
        tiac_h=left.tiac_h + right.tiac_h, absorbed_dose_gy=dose,
        dose_per_activity_gy_per_gbq=per_gbq(dose, setting.administered_mbq),
        electron_fraction=min(left.electron_fraction, right.electron_fraction),
        photon_estimate=max(left.photon_estimate, right.photon_estimate),
        bed_gy=None, eqd2_gy=None, total_dose_gy=dose, total_bed_gy=None, limits=(),
        population=(), dvh=None, voxel_rescale=None, recovery=(),
    )  # fmt: skip
    amplitudes = (*left.curve.amplitudes_mbq, *right.curve.amplitudes_mbq)
    rates = (*left.curve.rates_per_h, *right.curve.rates_per_h)
    return with_effect(row, amplitudes, rates, setting)


def _together(left: RegionResult, right: RegionResult) -> list[tuple[Sample, Sample]]:
    """Samples of both sides by the same measurement: a planar region may be read on one side."""
    others = {s.measurement: s for s in right.samples}
    return [(s, others[s.measurement]) for s in left.samples if s.measurement in others]


def mean_by_mass(left: RegionResult, right: RegionResult) -> Uncertain:
    """Mean dose of two regions: (m1 D1 + m2 D2) / (m1 + m2), with all shared causes."""
    m1, m2 = left.mass_g, right.mass_g
    d1, d2 = left.absorbed_dose_gy, right.absorbed_dose_gy
    whole = m1.value + m2.value
    mean = (m1.value * d1.value + m2.value * d2.value) / whole
    return combine(mean, (d1, m1.value / whole), (d2, m2.value / whole),
                   (m1, (d1.value - mean) / whole), (m2, (d2.value - mean) / whole))  # fmt: skip


def with_limits(row: RegionResult, setting: Setting) -> tuple[RegionResult, tuple[Note, ...]]:
    """The course's totals against the limits of the organ."""
    table = limits.table(setting.protocol.compare.limits)
    tissue = setting.therapy.tissue_of(row.organ)
    checks: list[limits.Check] = []
    notes: list[Note] = []
    for limit in limits.applicable(table.limits, row.organ, risk_factors=setting.risk_factors,
                                   single_kidney=setting.single_kidney):  # fmt: skip
        in_bed = limit.quantity == "BED"
        value = row.total_bed_gy if in_bed else row.total_dose_gy
        if value is None:
            continue
        rests_on = tissue.constants if in_bed and tissue else ()
        found, seen = limits.check(limit, value, where=row.name, rests_on=rests_on)
        checks.append(found)
        notes += seen
    return replace(row, limits=tuple(checks)), tuple(notes)
