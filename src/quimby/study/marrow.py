"""Red marrow by images: from outlined lumbar vertebrae to one row of the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from quimby.core.notes import Note, note
from quimby.core.source import Constant
from quimby.core.uncertain import total
from quimby.dose import marrow_image
from quimby.study.doses import Setting, per_gbq, with_effect
from quimby.study.result import RegionResult
from quimby.therapies import Organ

VERTEBRA = "vertebra"
"""What an outline of marrow is as a region of its own: bone and marrow together."""
MARROW_G_PER_ML = 1.03


@dataclass(frozen=True, slots=True)
class RedMarrow:
    """The row "Red marrow" with what it rests on; no row where the outlines do not allow one."""

    rows: tuple[RegionResult, ...]
    constants: tuple[Constant, ...]
    notes: tuple[Note, ...]


def as_vertebrae(organs: Mapping[str, Organ]) -> dict[str, Organ]:
    """Outlines of marrow as vertebrae: the mean dose of one is not that of the marrow in it."""
    return {n: Organ(VERTEBRA) if o.name == "marrow" else o for n, o in organs.items()}


def red_marrow(
    rows: Sequence[RegionResult], meanings: Mapping[str, str], setting: Setting,
    seen: Sequence[Note],
) -> RedMarrow:  # fmt: skip
    """Dose of red marrow from the rows that are vertebrae (L2 to L4, each once).

    `meanings` says what an outline is, where the study does; else its name tells. `seen` are the
    notes on outlines, of which a lesion inside a vertebra is told (W-MAR-LESION). W-MAR-SITE
    where the outlines do not hold L2, L3 and L4.
    """
    bones = [r for r in rows if r.organ == VERTEBRA]
    if not bones:
        return RedMarrow((), (), ())
    held = {r.name: marrow_image.vertebrae(meanings.get(r.name, ""))
            or marrow_image.vertebrae(r.name) for r in bones}  # fmt: skip
    why = marrow_image.why_not(held)
    if why:
        said = note("W-MAR-SITE", where=", ".join(held), why=why, name=next(iter(held)))
        return RedMarrow((), (), (said,))
    row, constants, notes = _row(bones, setting)
    return RedMarrow((row,), constants, (*notes, *_lesions_inside(bones, seen)))


def _row(
    bones: Sequence[RegionResult], setting: Setting
) -> tuple[RegionResult, tuple[Constant, ...], tuple[Note, ...]]:
    found = marrow_image.red_marrow(total([r.tia_mbq_h for r in bones]),
                                    setting.nuclide.electron_mev, sex=setting.sex)  # fmt: skip
    held = [{s.measurement: s for s in r.samples} for r in bones]
    shared = [m for m in held[0] if all(m in one for one in held)]
    samples = tuple(
        replace(one[0], activity_mbq=total([s.activity_mbq for s in one]).scaled(found.factor),
                uncorrected_mbq=sum(s.uncorrected_mbq for s in one) * found.factor,
                by_recovery_curve_mbq=None)
        for one in ([of[m] for of in held] for m in shared)
    )  # fmt: skip
    dose = found.dose_gy
    row = RegionResult(
        name=marrow_image.NAME, organ="marrow", side="", members=tuple(r.name for r in bones),
        volume_ml=found.mass_g.scaled(1 / MARROW_G_PER_ML), mass_g=found.mass_g, samples=samples,
        curve=None, tia_mbq_h=found.tia_mbq_h, tiac_h=found.tia_mbq_h / setting.administered_mbq,
        absorbed_dose_gy=dose, dose_per_activity_gy_per_gbq=per_gbq(dose, setting.administered_mbq),
        electron_fraction=1.0, photon_estimate=0.0, bed_gy=None, eqd2_gy=None, total_dose_gy=dose,
        total_bed_gy=None, limits=(), population=(), dvh=None, voxel_rescale=None, recovery=(),
    )  # fmt: skip
    curves = [r.curve for r in bones if r.curve is not None]
    row, notes = with_effect(row, [a for c in curves for a in c.amplitudes_mbq],
                             [x for c in curves for x in c.rates_per_h], setting)  # fmt: skip
    return row, found.constants, (*found.notes, *notes)


def _lesions_inside(bones: Sequence[RegionResult], seen: Sequence[Note]) -> tuple[Note, ...]:
    names = {r.name for r in bones}
    touched = sorted({
        name for n in seen for name in names
        if (n.code == "I-IMG-CARVED" and n.where == name)
        or (n.code == "W-IMG-OVERLAP" and name in n.where.split(" and "))
    })  # fmt: skip
    if not touched:
        return ()
    return (note("W-MAR-LESION", where=marrow_image.NAME, names=" and ".join(touched)),)
