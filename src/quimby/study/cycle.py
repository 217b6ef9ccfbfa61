"""One administration, from its files to the doses of its regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scipy import ndimage

from quimby import therapies
from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, note, refusal
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.dose.self_dose import photon_notes
from quimby.kinetics.bounds import check_bound
from quimby.measure import checks
from quimby.measure.overlap import volume_notes
from quimby.measure.regions import Region
from quimby.physics.nuclides import nuclide
from quimby.protocols import Protocol
from quimby.study.administered import administered_activity
from quimby.study.curves import Known, RegionCurve, region_curves
from quimby.study.document import Administration, Study
from quimby.study.doses import Setting, combined, region_result
from quimby.study.files import Shelf
from quimby.study.hybrid import planar
from quimby.study.inputs import Inputs, read_inputs
from quimby.study.known import own_half_lives, own_table
from quimby.study.marrow import as_vertebrae, red_marrow
from quimby.study.outline_state import state_notes
from quimby.study.planar_pairs import read_pairs
from quimby.study.progress import Progress, Step
from quimby.study.quantify import Quantified, quantify
from quimby.study.result import Measurement, PlanarCounts, PlanarPicture, RegionResult
from quimby.therapies import Organ

BODY = "Body"


@dataclass(frozen=True, eq=False)
class Cycle:
    """One administration, calculated; `pairs` are regions taken together.

    Totals of the rows hold this cycle alone until `course.whole` adds the others.
    """

    given: Administration
    inputs: Inputs
    quantified: Quantified
    curves: Mapping[str, RegionCurve]
    administered_mbq: Uncertain
    setting: Setting
    regions: tuple[RegionResult, ...]
    pairs: tuple[RegionResult, ...]
    constants: tuple[Constant, ...]  # of the marrow and of reference masses, where used
    notes: tuple[Note, ...]
    planar: tuple[Measurement, ...]  # planar scans that gave points of curves
    planar_counts: tuple[PlanarCounts, ...] = ()
    planar_pictures: tuple[PlanarPicture, ...] = ()


def calculate(
    study: Study, given: Administration, progress: Progress, *, protocol: Protocol,
    before: Sequence[Cycle] = (),
) -> Cycle:  # fmt: skip
    """Steps 1 to 6 for one administration.

    `before` are cycles measured earlier: with one or two scans now, their half-lives of the
    patient's organs go before the population's.

    Raises the errors of every step, E-THERAPY-NUCLIDE where nuclide and therapy disagree.
    """
    therapy = therapies.load(study.document.therapy)
    substance = nuclide(given.nuclide)
    if substance.name != therapy.nuclide:
        raise refusal("E-THERAPY-NUCLIDE", where=given.id, given=substance.name,
                      therapy=therapy.id, wanted=therapy.nuclide)  # fmt: skip
    inputs = read_inputs(study, given, progress=progress)
    organs, inputs, named = _organs(inputs)
    administered, admin_notes = administered_activity(
        given, inputs.started_at, substance, zone=study.document.zone
    )
    names = {name: organ.name for name, organ in organs.items()}
    views = read_pairs(study, inputs, substance)
    quantified = quantify(inputs, organs, substance.half_life_h.value, progress=progress,
                          sex=study.document.patient.sex)  # fmt: skip
    if not study.document.patient.mirror_anatomy:
        _check_sides(quantified, organs)
    progress(Step("curves"))
    shelf = Shelf(study.folder)
    table, files, own_notes = own_table(study.document, shelf, therapy.id)
    inputs = replace(inputs, files=(*inputs.files, *files))
    own = {
        organ: prior
        for earlier in before
        for organ, prior in own_half_lives(earlier.regions, earlier.given.id).items()
    }
    known = Known(given.agent, table, {n: own[o] for n, o in organs.items() if o in own})
    planars = planar(study, inputs, quantified, views)
    inputs = replace(inputs, files=(*inputs.files, *planars.files),
                     shown={**inputs.shown, **planars.shown})  # fmt: skip
    curves = region_curves(quantified, names, protocol, substance.half_life_h.value, known,
                           more=planars.samples)  # fmt: skip
    progress(Step("dose"))
    patient = study.document.patient
    setting = Setting(substance, therapy, protocol, administered, tuple(patient.risk_factors),
                      patient.single_kidney, patient.sex)  # fmt: skip
    rows, row_notes = _rows(quantified, curves, as_vertebrae(organs), setting)
    pairs, pair_notes = combined(rows, setting)
    assert given.outlines is not None
    marrow = red_marrow(rows, given.outlines.regions, setting, quantified.notes)
    notes = (*inputs.notes, *named, *state_notes(inputs.outlines), *admin_notes, *own_notes,
             *quantified.notes, *planars.notes, *row_notes, *pair_notes, *marrow.notes)  # fmt: skip
    return Cycle(given, inputs, quantified, curves, administered, setting, rows,
                 (*pairs, *marrow.rows), (*marrow.constants, *quantified.masses.constants),
                 notes, planars.measurements, planars.counts, planars.pictures)  # fmt: skip


def _organs(inputs: Inputs) -> tuple[dict[str, Organ], Inputs, tuple[Note, ...]]:
    """What each outline is; one nobody can name is left out, with a note."""
    assert inputs.administration.outlines is not None
    meanings = inputs.administration.outlines.regions
    organs: dict[str, Organ] = {}
    notes: list[Note] = []
    kept = []
    for outline in inputs.outlines:
        try:
            organ = therapies.organ(meanings.get(outline.name, outline.name))
        except QuimbyError:
            notes.append(note("W-STUDY-REGION-SKIPPED", where="outlines", name=outline.name))
            continue
        is_body = organ.name == "body"
        kept.append(replace(outline, name=BODY) if is_body else outline)
        if not is_body:
            organs[outline.name] = organ
    return organs, replace(inputs, outlines=tuple(kept)), tuple(notes)


def _check_sides(quantified: Quantified, organs: Mapping[str, Organ]) -> None:
    """Left on the left: an outline must lie on the side that it was said to be of."""
    meant = {region.name: organs[region.name] for region in quantified.regions.organs}
    checks.sides({
        f"{meant[region.name].name} {meant[region.name].side}".strip(): _centre(region)
        for region in quantified.regions.organs
        if meant[region.name].name != "lesion"
    })  # fmt: skip


def _centre(region: Region) -> tuple[float, float, float]:
    """Centre of mass of a region's mask, LPS mm."""
    k, j, i = ndimage.center_of_mass(region.mask.array)
    x, y, z = region.mask.grid.points_mm((i, j, k))
    return float(x), float(y), float(z)


def _rows(
    quantified: Quantified, curves: dict[str, RegionCurve], organs: dict[str, Organ],
    setting: Setting,
) -> tuple[tuple[RegionResult, ...], tuple[Note, ...]]:  # fmt: skip
    rows: list[RegionResult] = []
    notes: list[Note] = []
    for region in quantified.regions.organs:
        row, seen = region_result(region.name, organs[region.name], curves[region.name],
                                  quantified.masses.rows[region.name], setting)  # fmt: skip
        rows.append(row)
        notes += seen
        notes += volume_notes(row.volume_ml.value, row.organ, where=row.name)
    notes += photon_notes({row.name: row.photon_estimate for row in rows})
    all_tiac = sum(row.tiac_h.value for row in rows)
    check_bound(all_tiac, physical_half_life_h=setting.nuclide.half_life_h.value,
                where="all regions together")  # fmt: skip
    return tuple(rows), tuple(notes)
