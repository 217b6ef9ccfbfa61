"""Uniformity of a flood, or of SPECT through a uniform cylinder with its cold spheres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quimby.core.errors import QuimbyError
from quimby.core.grid import Image
from quimby.core.notes import refusal
from quimby.core.uncertain import Uncertain
from quimby.devices.cold_spheres import ColdSpheres, cold_spheres
from quimby.devices.uniformity import Field, Uniformity, flood_uniformity, spect_uniformity
from quimby.measure.dicom.emission import read_emission
from quimby.measure.dicom.planar import read_planar
from quimby.measure.planar_scan import PlanarFrame, PlanarScan
from quimby.study.commissioning import certificate as told
from quimby.study.commissioning.certificate import Certificate, Check, Quantity, Table
from quimby.study.files import Shelf

REPEAT = "repeat weekly to quarterly, as the centre's calendar says"


@dataclass(frozen=True, eq=False)
class FloodMeasured:
    """One head's flood (or one cylinder), and the certificate of all heads together."""

    named: tuple[tuple[str, Uniformity], ...]
    cold: ColdSpheres | None
    image: Image | None  # of a reconstructed cylinder
    certificate: Certificate


def measure_uniformity(
    files: Sequence[Path], shelf: Shelf, *, limits: tuple[float, float] | None = None,
    spheres: bool = False, operator: str = "",
) -> FloodMeasured:  # fmt: skip
    """Integral and differential uniformity of every head's flood, or of a reconstructed cylinder.

    `limits` (integral, differential of the useful field, fractions) are the centre's own. With
    `spheres` the cold spheres of a SPECT performance phantom are found and measured too.
    E-PLN-FLOOD, E-PLN-CONTRAST, and what the readers refuse.
    """
    try:
        scans = [read_planar([path]) for path in files]
    except QuimbyError as error:
        if error.code != "E-PLN-KIND" or len(files) != 1:
            raise
        return _of_cylinder(files, shelf, limits, spheres, operator)
    if spheres:
        raise refusal("E-PLN-CONTRAST", where=files[0].name, why="a flood is no reconstruction")
    found = [
        (_named(frame, len(files) > 1 and path.name),
         flood_uniformity(frame.counts, scan.pixel_mm[0], limits=limits, where=path.name))
        for path, scan in zip(files, scans, strict=True)
        for frame in scan.frames
    ]  # fmt: skip
    made = _flood_certificate(found, scans, files, shelf, limits, operator)
    return FloodMeasured(tuple(found), None, None, made)


def _named(frame: PlanarFrame, file: str | bool) -> str:
    return f"head {frame.detector}" + (f", {file}" if file else "")


def _quantities(name: str, found: Uniformity) -> list[Quantity]:
    rows = (("integral, useful field", found.useful.integral),
            ("differential, useful field", found.useful.differential),
            ("integral, central field", found.central.integral),
            ("differential, central field", found.central.differential))  # fmt: skip
    return [Quantity(f"{what}{name}", Uncertain(100 * value), "%") for what, value in rows]


def _field(name: str, field: Field) -> tuple[str, ...]:
    return (name, told.per_cent(field.integral, 2), told.per_cent(field.differential, 2),
            str(field.pixels))  # fmt: skip


def _table(found: Sequence[tuple[str, Uniformity]]) -> Table:
    rows = tuple(
        row
        for name, one in found
        for row in (_field(f"{name}, useful field", one.useful),
                    _field(f"{name}, central field", one.central))
    )  # fmt: skip
    return Table("Uniformity", ("Field", "Integral", "Differential", "Pixels"), rows)


def _checks(
    found: Sequence[tuple[str, Uniformity]], limits: tuple[float, float] | None
) -> tuple[Check, ...]:
    made = []
    for name, one in found:
        few = [n for n in one.notes if n.code == "W-PLN-FLOOD"]
        made.append(Check(f"Counts a pixel, {name}", f"{one.mean_counts:.0f}",
                          f"at least {few[0].limit:.0f}" if few else "enough",
                          not few))  # fmt: skip
        if limits is not None:
            made.append(told.at_most(f"Integral, {name}", one.useful.integral, limits[0]))
            made.append(told.at_most(f"Differential, {name}", one.useful.differential, limits[1]))
    return tuple(made)


def _flood_certificate(
    found: Sequence[tuple[str, Uniformity]], scans: Sequence[PlanarScan], files: Sequence[Path],
    shelf: Shelf, limits: tuple[float, float] | None, operator: str,
) -> Certificate:  # fmt: skip
    notes = told.noted(*(s.notes for s in scans), *(u.notes for _, u in found))
    many = len(found) > 1
    results = [q for n, u in found for q in _quantities(f" ({n})" if many else "", u)]
    return Certificate(
        kind="uniformity", title="Flood uniformity",
        subtitle=f"{scans[0].pharmaceutical.nuclide or 'nuclide not stated'} · "
                 f"{', '.join(n for n, _ in found)}",
        device=told.device_rows(
            scans[0].device, windows=scans[0].windows,
            collimators=[f.collimator for s in scans for f in s.frames],
        ),
        how="NEMA NU 1 and IAEA Human Health Series 6, test 2.3.3: pixels joined to at least "
            "4.48 mm, smoothed once with nine points; useful field 95 %, central field 75 % of it.",
        results=tuple(results[:4] if not many else results), measured_at=scans[0].acquired_at,
        inputs=(shelf.entry("flood", files),), tables=(_table(found),),
        checks=_checks(found, limits), notes=notes, operator=operator,
        validity=REPEAT,
    )  # fmt: skip


def _of_cylinder(
    files: Sequence[Path], shelf: Shelf, limits: tuple[float, float] | None, spheres: bool,
    operator: str,
) -> FloodMeasured:  # fmt: skip
    scan = read_emission(files)
    found = spect_uniformity(scan.image, where=files[0].name)
    cold = cold_spheres(scan.image) if spheres else None
    tables = [_table([("mean of all slices", found)])]
    if cold is not None:
        tables.append(_contrasts(cold))
    over = [
        told.at_most(f"{word}, useful field", value, limit)
        for word, value, limit in zip(
            ("Integral", "Differential"), (found.useful.integral, found.useful.differential),
            limits or (), strict=False,
        )
    ]  # fmt: skip
    made = Certificate(
        kind="spect-uniformity", title="SPECT uniformity and contrast" if cold else
        "SPECT uniformity", subtitle="mean of all slices through the cylinder",
        device=told.device_rows(scan.device, grid=scan.image.grid),
        how="As a flood, on the mean of all slices; useful field 80 %, central field 75 % of it "
            "(IAEA Human Health Series 6, tests 4.3.5 and 4.3.9). Contrast is (uniform slice − "
            "value) / (uniform slice + value).",
        results=tuple(_quantities("", found)), measured_at=scan.acquired_at,
        inputs=(shelf.entry("cylinder", files),), tables=tuple(tables), checks=tuple(over),
        notes=scan.notes, operator=operator, validity=REPEAT,
    )  # fmt: skip
    return FloodMeasured((("cylinder", found),), cold, scan.image, made)


def _contrasts(cold: ColdSpheres) -> Table:
    rows = tuple(
        (f"{s.sphere.diameter_mm:g}", f"{s.mean:.0f}", f"{s.lowest:.0f}",
         told.per_cent(s.mean_contrast), told.per_cent(s.highest_contrast))
        for s in cold.spheres
    )  # fmt: skip
    title = f"Cold spheres; uniform slice {cold.uniform_slice + 1} has {cold.baseline:.0f}"
    head = ("Sphere, mm", "Mean", "Lowest", "Contrast of mean", "of lowest")
    return Table(title, head, rows, words=())
