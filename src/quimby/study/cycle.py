"""One administration, from its files to the doses of its regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scipy import ndimage

from quimby import protocols, therapies
from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, note, refusal
from quimby.core.time import aware, hours_between
from quimby.core.uncertain import Uncertain
from quimby.dose.self_dose import photon_notes
from quimby.kinetics.bounds import check_bound
from quimby.measure import checks
from quimby.measure.overlap import volume_notes
from quimby.measure.regions import Region
from quimby.physics.decay import Residual, net_administered
from quimby.physics.nuclides import Nuclide, nuclide
from quimby.study.curves import RegionCurve, region_curves
from quimby.study.document import Administration, Study
from quimby.study.doses import Setting, combined, region_result
from quimby.study.inputs import Inputs, read_inputs
from quimby.study.progress import Progress, Step
from quimby.study.quantify import Quantified, quantify
from quimby.study.result import Exposure, RegionResult
from quimby.therapies import Organ

BODY = "Body"
ADMINISTERED = "administered activity"
USUAL_ACTIVITY_U = 0.03  # relative; assumed where none is given, and noted [P]
DEVIATION_LIMIT = 0.10  # of the prescribed activity


@dataclass(frozen=True, eq=False)
class Cycle:
    """One administration, calculated; `pairs` are regions taken together."""

    given: Administration
    inputs: Inputs
    quantified: Quantified
    curves: Mapping[str, RegionCurve]
    administered_mbq: Uncertain
    setting: Setting
    regions: tuple[RegionResult, ...]
    pairs: tuple[RegionResult, ...]
    notes: tuple[Note, ...]


def calculate(
    study: Study, given: Administration, exposures: Sequence[Exposure], progress: Progress
) -> Cycle:
    """Steps 1 to 6 for one administration; `exposures` are the doses from before.

    Raises the errors of every step, E-THERAPY-NUCLIDE where nuclide and therapy disagree.
    """
    protocol = protocols.load(study.document.protocol)
    therapy = therapies.load(study.document.therapy)
    substance = nuclide(given.nuclide)
    if substance.name != therapy.nuclide:
        raise refusal("E-THERAPY-NUCLIDE", where=given.id, given=substance.name,
                      therapy=therapy.id, wanted=therapy.nuclide)  # fmt: skip
    inputs = read_inputs(study, given, progress=progress)
    organs, inputs, named = _organs(inputs)
    administered, admin_notes = _administered(given, inputs, substance, zone=study.document.zone)
    names = {name: organ.name for name, organ in organs.items()}
    quantified = quantify(inputs, names, substance.half_life_h.value, progress=progress)
    if not study.document.patient.mirror_anatomy:
        _check_sides(quantified, organs)
    progress(Step("curves"))
    curves = region_curves(quantified, names, protocol, substance.half_life_h.value)
    progress(Step("dose"))
    patient = study.document.patient
    setting = Setting(substance, therapy, protocol, administered, tuple(exposures),
                      tuple(patient.risk_factors), patient.single_kidney)  # fmt: skip
    rows, row_notes = _rows(quantified, curves, organs, setting)
    pairs, pair_notes = combined(rows, setting)
    notes = (*inputs.notes, *named, *admin_notes, *quantified.notes, *row_notes, *pair_notes)
    return Cycle(given, inputs, quantified, curves, administered, setting, rows, pairs, notes)


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


def _administered(
    given: Administration, inputs: Inputs, substance: Nuclide, *, zone: str | None
) -> tuple[Uncertain, tuple[Note, ...]]:
    """Net administered activity at the start of administration, MBq."""
    assert given.activity is not None
    notes: list[Note] = []
    u = given.activity_u
    if u is None:
        u = USUAL_ACTIVITY_U
        notes.append(note("I-ADMIN-U", where=given.id, value=u))
    assay = Uncertain(given.activity, {ADMINISTERED: u * given.activity})
    left = None if given.residuals is None else [
        Residual(Uncertain(r.activity), hours_between(inputs.started_at,
                 aware(r.at, where="residue", zone=zone)))
        for r in given.residuals
    ]  # fmt: skip
    net = net_administered(assay, left, assay_h=0.0, administered_h=0.0,
                           half_life_h=substance.half_life_h.value)  # fmt: skip
    value = net.activity_mbq
    if given.prescribed is not None and abs(value.value / given.prescribed - 1) > DEVIATION_LIMIT:
        percent = 100 * (value.value / given.prescribed - 1)
        notes.append(note("S-ADMIN-DEVIATION", where=given.id, value=value.value,
                          limit=given.prescribed, percent=percent))  # fmt: skip
    return value, (*notes, *net.notes)


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
                                  quantified.masses[region.name], setting)  # fmt: skip
        rows.append(row)
        notes += seen
        notes += volume_notes(row.volume_ml.value, row.organ, where=row.name)
    notes += photon_notes({row.name: row.photon_estimate for row in rows})
    all_tiac = sum(row.tiac_h.value for row in rows)
    check_bound(all_tiac, physical_half_life_h=setting.nuclide.half_life_h.value,
                where="all regions together")  # fmt: skip
    return tuple(rows), tuple(notes)
