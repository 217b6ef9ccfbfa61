"""`quimby calibrate planar`, `dead-time`, `uniformity`: planar images of each head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from quimby.cli.commissioning.signed import Signed
from quimby.cli.commissioning.telling import finish, planar_files, write_record
from quimby.cli.devices import tables, words
from quimby.cli.devices.telling import line
from quimby.cli.terminal import console
from quimby.core.notes import refusal
from quimby.devices.camera import read_camera
from quimby.study.commissioning.flood import measure_uniformity
from quimby.study.commissioning.planar import measure_planar, with_planar
from quimby.study.commissioning.rates import (
    Readings,
    Run,
    measure_rates,
    read_series,
    with_dead_time,
)
from quimby.study.commissioning.records import record_file
from quimby.study.files import Shelf

TABLES = (".csv", ".tsv", ".txt", ".xlsx")
METHODS = ("decay", "runs", "peak")
SOURCE = "activity of the source"


def planar_job(
    paths: Sequence[Path], background: Sequence[Path], *, activity: str, at: str, name: str,
    energy_kev: float | None, zone: str | None, signed: Signed, camera: Path | None = None,
) -> int:  # fmt: skip
    """Planar sensitivity of each head, into the camera's record where one is named."""
    from quimby.report.figures.commissioning import planar_plots

    signed.free()
    record = read_camera(camera) if camera is not None else None
    made = measure_planar(
        planar_files(paths), background=planar_files(background) if background else (),
        activity_mbq=words.with_doubt(activity, "activity", cause=SOURCE, where="--activity"),
        at=at, name=name, shelf=Shelf(Path.cwd()), energy_kev=energy_kev, zone=zone,
        operator=signed.by,
    )  # fmt: skip
    if record is None or camera is None:
        return finish(made.certificate, planar_plots(made), signed)
    changed = with_planar(record, made, name)
    inputs = (*made.certificate.inputs, record_file(camera, "camera record before"))
    ended = finish(replace(made.certificate, inputs=inputs), planar_plots(made), signed)
    write_record(changed, camera)
    line(console(), f"Wrote   {camera}: planar sensitivity")
    return ended


def dead_time_job(
    paths: Sequence[Path], *, name: str, camera: Path | None, method: str | None,
    model: str | None, energy_kev: float | None, head: int | None, columns: Path | None,
    zone: str | None, signed: Signed,
) -> int:  # fmt: skip
    """Dead time from a table or from planar files, into the camera's record where one is named."""
    from quimby.report.figures.commissioning import rates_plots

    signed.free()
    if method is not None and method not in METHODS:
        raise refusal("E-CAL-RUNS", where="--method",
                      why=f"{method!r} is none of {', '.join(METHODS)}")  # fmt: skip
    record = read_camera(camera) if camera is not None else None
    if len(paths) == 1 and paths[0].suffix.lower() in TABLES:
        readings = _of_table(paths[0], zone=zone, columns=columns)
    else:
        files = planar_files(paths)
        entry = Shelf(Path.cwd()).entry("readings", files)
        readings = read_series(files, (entry,), energy_kev=energy_kev, head=head, zone=zone)
    made = measure_rates(readings, name=name, method=method, model=model, operator=signed.by)
    if record is None or camera is None:
        return finish(made.certificate, rates_plots(made), signed)
    changed = with_dead_time(record, made, readings.scan)
    inputs = (*made.certificate.inputs, record_file(camera, "camera record before"))
    ended = finish(replace(made.certificate, inputs=inputs), rates_plots(made), signed)
    write_record(changed, camera)
    line(console(), f"Wrote   {camera}: {made.model}")
    return ended


def _of_table(path: Path, *, zone: str | None, columns: Path | None) -> Readings:
    found = tables.rows(path, zone=zone, columns=columns)
    rows = found.of("sample", "standard")
    runs = [Run(r.counted(), r.at, r.known_mbq) for r in rows]
    if not runs:
        raise refusal("E-DEV-TABLE", where=str(path), lacks="a row of a reading")
    if all(r.started_at is not None for r in runs):
        runs.sort(key=lambda r: r.started_at.timestamp() if r.started_at else 0.0)
    floor = tables.background(found)
    return Readings(tuple(runs), (record_file(path, "readings"),), found.notes,
                    floor.rate_cps.value if floor else 0.0)  # fmt: skip


def uniformity_job(
    paths: Sequence[Path], *, limits: str | None, spheres: bool, signed: Signed
) -> int:
    """Uniformity of floods or of a cylinder; returns the exit code."""
    from quimby.report.figures.commissioning import flood_plots

    signed.free()
    wanted: tuple[float, float] | None = None
    if limits is not None:
        both = limits.split(",")
        if len(both) != 2:
            raise refusal("E-DEV-PAIR", where="--limits", text=limits, wanted='"5 %, 4 %"')
        wanted = (words.share(both[0], where="--limits"), words.share(both[1], where="--limits"))
    files = [f for p in paths for f in (sorted(p.iterdir()) if p.is_dir() else [p])]
    for file in files:
        if not file.is_file():
            raise refusal("E-STUDY-FILE", where=str(file), path=file)
    made = measure_uniformity(files, Shelf(Path.cwd()), limits=wanted, spheres=spheres,
                              operator=signed.by)  # fmt: skip
    return finish(made.certificate, flood_plots(made), signed)
