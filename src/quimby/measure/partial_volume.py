"""Activity of outlined regions in a blurred image: the geometric transfer matrix.

Each region holds one concentration, and so does the rest of the body. The blur carries activity
across their edges by known shares; solving for the concentrations undoes spill-out and spill-in
of all of them at once. Source of the method: Rousset et al., J Nucl Med 1998;39:904-911.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Image, Rigid
from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices.recovery import Recovered, RecoveryCurve
from quimby.devices.recovery import recover as recover_by_curve
from quimby.measure.alignment import off_outline_mm
from quimby.measure.noise import Noise, estimate
from quimby.measure.regions import Region, Regions
from quimby.measure.templates import Scene, matrix, overlap, reblurred, scene, within

Float = NDArray[np.float64]

REMAINDER = "Remainder"
MBQ_PER_ML = {"MBq/ml": 1.0, "kBq/ml": 1e-3, "Bq/ml": 1e-6}
MBQ = {"MBq": 1.0, "kBq": 1e-3, "Bq": 1e-6}
CONDITION_NOTED, CONDITION_REFUSED = 20.0, 500.0
LOW_RECOVERY = 0.3
POINT_SPREAD, BACKGROUND = "point spread", "background model"
REGISTRATION_U_MM = 2.0
"""Standard uncertainty of where a region lies in a scan laid by CT, per axis [P]. CTs are laid to
a few tenths of a mm; organs move by themselves, unseen up to the 5 mm that are noted (W-IMG-REG).
Any place within 5 mm alike makes 5 mm over the root of 5."""


@dataclass(frozen=True, slots=True)
class RegionActivity:
    """What one scan says about one region."""

    name: str
    activity_mbq: Uncertain  # recovered: in the region, as if there were no blur
    apparent_mbq: float  # in the image within the outline
    recovery: float  # apparent / recovered
    volume_ml: float


@dataclass(frozen=True, eq=False)
class Recovery:
    """All regions of one scan. `condition` is that of the matrix (1 = no spill)."""

    regions: Mapping[str, RegionActivity]
    remainder: RegionActivity
    condition: float
    noise: Noise
    off_mm: Mapping[str, float]  # how far each region's activity lies off its outline
    notes: tuple[Note, ...]


def recover(
    activity: Image,
    regions: Regions,
    moved: Rigid,
    *,
    fwhm_mm: Uncertain,
    scan: str,
    along_axis_mm: Uncertain | None = None,
    registration_u_mm: float = REGISTRATION_U_MM,
    left_out: Collection[str] = (),
) -> Recovery:
    """Recovered activity of every region in one calibrated scan.

    Parameters
    ----------
    activity
        MBq, kBq or Bq in a voxel, or those per ml.
    moved
        From points of the reference (where the outlines lie) to the scan.
    fwhm_mm, along_axis_mm
        Width of the camera's blur (and along the slices where it differs). Its doubt is the
        cause "point spread", shared by all scans and regions.
    scan
        Name of the scan, for causes that are its own: "registration, ...", "counts, ...".
    registration_u_mm
        Standard uncertainty of the movement, along each axis.
    left_out
        Regions that this scan does not tell: cut off by its field of view, say. They count as
        far as they are seen, for what they spill into others, and have no row.

    Returns
    -------
    Recovery
        MBq with parts "point spread", "registration, <scan>", "outline <region>" (positive: a
        larger outline), "counts, <region>, <scan>" and "background model". Not clipped: a value
        not above zero carries W-PVC-NONPOS.

    Raises
    ------
    E-IMG-UNIT, E-IMG-NAN, E-IMG-FOV (a region below 95 % in the field of view),
    E-PVC-SINGULAR (regions that the blur makes one).
    """
    stage = scene(_in_mbq(activity, scan), regions, moved, _widths(fwhm_mm, along_axis_mm),
                  scan=scan, cut=left_out)  # fmt: skip
    solved = _solve(stage, scan)
    causes = _registration(stage, solved, scan, registration_u_mm)
    causes |= {POINT_SPREAD: _point_spread(stage, solved, fwhm_mm, along_axis_mm)}
    causes |= {BACKGROUND: _background(stage, solved)}
    causes |= _outlines(stage, solved)
    noise = _noise(stage, solved)
    *every, rest = _rows(stage, solved, causes, _counts(stage, solved, noise), scan)
    rows = [r for r in every if r.name not in left_out]
    notes = stage.notes + _notes(rows, solved.condition, scan)
    off = off_outline_mm(stage, solved.concentration)
    off = {name: mm for name, mm in off.items() if name not in left_out}
    return Recovery({r.name: r for r in rows}, rest, solved.condition, noise, off, notes)


def by_recovery_curve(
    found: RegionActivity, region: Region, curve: RecoveryCurve, *, scan: str
) -> Recovered:
    """The simpler way, for comparison: apparent activity over the recovery of its volume.

    Holds for a compact region in cold surroundings; neighbours' spill is not taken out. The
    doubt is that of the curve and of the volume. Notes and errors: see `devices.recovery`.
    """
    where = f"{region.name}, {scan}"
    return recover_by_curve(Uncertain(found.apparent_mbq), region.volume_ml, curve, where=where)


@dataclass(frozen=True, eq=False)
class Solved:
    """Concentrations (MBq per voxel) and what they came from; arrays of length n."""

    concentration: Float
    inverse: Float  # (n, n)
    sizes: Float  # voxels
    seen: Float
    condition: float

    @property
    def activity(self) -> Float:
        """MBq of each compartment."""
        return self.concentration * self.sizes


def _in_mbq(image: Image, scan: str) -> Image:
    if image.unit in MBQ:
        factor = MBQ[image.unit]
    elif image.unit in MBQ_PER_ML:
        factor = MBQ_PER_ML[image.unit] * image.grid.voxel_ml
    else:
        raise refusal("E-IMG-UNIT", where=scan, unit=image.unit, wanted="MBq or MBq/ml")
    if not np.isfinite(image.array).all():
        raise refusal("E-IMG-NAN", where=scan)
    return Image(image.grid, image.values * factor, "MBq")


def _widths(
    fwhm_mm: Uncertain, along_axis_mm: Uncertain | None, *, wider: bool = False
) -> tuple[float, float, float]:
    """Along (column, row, slice); one standard uncertainty wider if asked."""
    across, along = fwhm_mm, along_axis_mm or fwhm_mm
    a, b = (w.value + (w.u if wider else 0.0) for w in (across, along))
    return a, a, b


def _most_alike(stage: Scene, m: Float) -> str:
    """The two compartments that the blur makes most alike, by name."""
    names = [region.name for region in stage.regions]
    names += ["tissue around"] * (len(m) - len(names))
    size = np.sqrt(np.diag(m))
    alike = np.triu(m / np.outer(size, size), k=1)
    one, other = np.unravel_index(int(np.argmax(alike)), m.shape)
    return f"{names[one]} and {names[other]}"


def _solve(stage: Scene, scan: str) -> Solved:
    m, sizes, seen = matrix(stage.templates), stage.sizes, stage.seen
    scale = 1.0 / np.sqrt(sizes)
    condition = float(np.linalg.cond(m * scale[:, None] * scale[None, :]))
    if not condition < CONDITION_REFUSED:
        where = f"{_most_alike(stage, m)}, {scan}"
        raise refusal("E-PVC-SINGULAR", where=where, value=condition, limit=CONDITION_REFUSED)
    inverse = np.asarray(np.linalg.inv(m), dtype=np.float64)
    c = np.asarray(inverse @ seen, dtype=np.float64)
    return Solved(c, inverse, sizes, seen, condition)


def _point_spread(
    stage: Scene, solved: Solved, fwhm_mm: Uncertain, along_axis_mm: Uncertain | None
) -> Float:
    other = reblurred(stage, _widths(fwhm_mm, along_axis_mm, wider=True))
    c = np.linalg.solve(matrix(other), solved.seen)
    return np.asarray((c - solved.concentration) * solved.sizes)


def _background(stage: Scene, solved: Solved) -> Float:
    """What one concentration for the whole remainder would change: the doubt of its unevenness."""
    count, parts = len(stage.regions), len(solved.sizes)
    joined = np.zeros((parts, count + 1))
    joined[np.arange(count), np.arange(count)] = 1.0
    joined[count:, count] = 1.0
    used = joined[:, joined.any(axis=0)]
    m = used.T @ matrix(stage.templates) @ used
    c = used @ np.linalg.solve(m, used.T @ solved.seen)
    return np.asarray((c - solved.concentration) * solved.sizes)


def _registration(stage: Scene, solved: Solved, scan: str, u_mm: float) -> dict[str, Float]:
    """Change of each activity with a shift along each axis; the three are independent.

    To second order: a region that is well placed lies at a maximum, where the slope is nothing,
    and whichever way it is moved it loses; that mean loss belongs to the doubt as its scatter does.
    One cause for the scan: the sign is dropped, so sums over regions err to the large side.
    """
    squares, mean = np.zeros(len(solved.sizes)), np.zeros(len(solved.sizes))
    steps = stage.grid.spacing_mm[::-1]
    for axis, step in enumerate(steps):
        slope = np.gradient(stage.image, step, axis=axis)
        bend = np.gradient(slope, step, axis=axis)
        first, second = (
            solved.inverse @ [within(t.own, t.box, d) for t in stage.templates] * solved.sizes
            for d in (slope, bend)
        )
        squares += (first * u_mm) ** 2 + (second * u_mm**2) ** 2 / 2.0
        mean += second * u_mm**2 / 2.0
    return {f"registration, {scan}": np.sqrt(squares + mean**2)}


def _outlines(stage: Scene, solved: Solved) -> dict[str, Float]:
    """Change of all activities when one outline grows by its standard uncertainty.

    What the region gains, the compartment around it loses. To first order in the layer d, matrix
    and measurements change by the overlap of d with the blurred templates and with the image.
    """
    found: dict[str, Float] = {}
    for n, region in enumerate(stage.regions):
        layer, box = stage.edges[n] * region.edge_u_mm, stage.templates[n].box
        sign = _gained(stage, n, layer)
        shares = np.array([overlap(layer, box, t.blurred, t.box) for t in stage.templates])
        change = np.outer(sign, shares) + np.outer(shares, sign)
        seen = sign * within(layer, box, stage.image)
        c = solved.inverse @ (seen - change @ solved.concentration)
        found[region.cause] = c * solved.sizes + solved.concentration * sign * layer.sum()
    return found


def _gained(stage: Scene, n: int, layer: Float) -> Float:
    """+1 for the region that grows, -1 for the neighbour that has most of the layer."""
    box = stage.templates[n].box
    held = np.array([overlap(layer, box, t.own, t.box) for t in stage.templates])
    held[n] = 0.0
    sign = np.zeros(len(held))
    sign[n] = 1.0
    if held.any():
        sign[int(np.argmax(held))] = -1.0
    return sign


def _noise(stage: Scene, solved: Solved) -> Noise:
    model = stage.model(solved.concentration)
    return estimate(stage.image, model, stage.grid, use=model > 0)


def _counts(stage: Scene, solved: Solved, noise: Noise) -> Float:
    """Standard uncertainty of each region's activity from the noise of the image (n,).

    Noise of the background is left out: its mean over many voxels is known well.
    """
    deviation = np.sqrt(np.maximum(stage.model(solved.concentration), 0.0) * noise.factor)
    organs = stage.templates[: len(stage.regions)]
    weighted = [t.own * deviation[t.box] for t in organs]
    spread = [noise.correlated(w, stage.grid) for w in weighted]
    covariance = np.array(
        [
            [overlap(w, t.box, s, o.box) for s, o in zip(spread, organs, strict=True)]
            for w, t in zip(weighted, organs, strict=True)
        ]
    )
    n = len(organs)
    back = solved.inverse[:, :n] * solved.sizes[:, None]
    return np.sqrt(np.maximum(np.diag(back @ covariance @ back.T), 0.0))


def _rows(
    stage: Scene, solved: Solved, causes: Mapping[str, Float], counts: Float, scan: str
) -> list[RegionActivity]:
    """Every region, and last the remainder: all that is left of the body taken together."""
    count = len(stage.regions)
    groups = [(r.name, slice(n, n + 1)) for n, r in enumerate(stage.regions)]
    rows = []
    for name, part in [*groups, (REMAINDER, slice(count, None))]:
        parts = {cause: float(change[part].sum()) for cause, change in causes.items()}
        parts[f"counts, {name}, {scan}"] = float(np.sqrt(np.sum(counts[part] ** 2)))
        value, seen = float(solved.activity[part].sum()), float(solved.seen[part].sum())
        share = seen / value if value else 0.0
        size = float(solved.sizes[part].sum()) * stage.grid.voxel_ml
        rows.append(RegionActivity(name, Uncertain(value, parts), seen, share, size))
    return rows


def _notes(rows: list[RegionActivity], condition: float, scan: str) -> tuple[Note, ...]:
    found: list[Note] = []
    if condition > CONDITION_NOTED:
        found.append(note("W-PVC-CONDITION", where=scan, value=condition, limit=CONDITION_NOTED))
    for row in rows:
        where = f"{row.name}, {scan}"
        if row.activity_mbq.value <= 0:
            found.append(note("W-PVC-NONPOS", where=where, value=row.activity_mbq.value))
        elif row.recovery < LOW_RECOVERY:
            found.append(note("W-RC-LOW", where=where, value=row.recovery, limit=LOW_RECOVERY))
    return tuple(found)
