"""The jobs of `quimby outline`: read, outline, write, and say what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Literal

from rich.console import Console

import quimby
from quimby.cli.terminal import console, print_json
from quimby.core.notes import gathered, refusal
from quimby.core.units import quantity
from quimby.measure.external import Segmenter
from quimby.report.rounding import plus_minus
from quimby.report.seg import outline_file
from quimby.study.outlining import told, tools
from quimby.study.outlining.image import Scanned, read_image
from quimby.study.outlining.listing import Listed, listed
from quimby.study.outlining.reviewing import judge
from quimby.study.outlining.sheet import beside, each_once, meanings
from quimby.study.outlining.tools import Drafts, Place


@dataclass(frozen=True, slots=True)
class Sheet:
    """Where the outlines go: a new file, or one made here before."""

    out: Path | None
    add_to: Path | None
    quiet: bool

    @property
    def file(self) -> Path:
        """The file; E-OUTLINE-WAY unless it is said once, E-OUTLINE-FILE for one in the way."""
        if (self.out is None) == (self.add_to is None):
            raise refusal("E-OUTLINE-WAY", where="-o", example="-o outlines.dcm",
                          problem="Give one of -o and --add-to")  # fmt: skip
        if self.out is not None and self.out.exists():
            raise refusal("E-OUTLINE-FILE", where=str(self.out), file=self.out)
        return self.out or self.add_to or Path()


def threshold_job(
    path: Path, name: str, sheet: Sheet, *, at: str, within: str, reach: str, share: str,
    level: str, by_size: bool, camera: Path | None, fwhm: str, allow_cut: bool,
) -> int:  # fmt: skip
    """Outline by threshold; returns the exit code."""
    _ = sheet.file
    width = told.needed_width(camera, fwhm)
    scan = read_image(path, kinds=("spect", "pet"))
    made = tools.threshold(scan, name, Place(at, within, reach), share=share, level=level,
                           by_size=by_size, width=width, allow_cut=allow_cut)  # fmt: skip
    return _write(scan, made, sheet)


def grow_job(
    path: Path, name: str, sheet: Sheet, *, at: str, within: str, reach: str, lower: str,
    upper: str, step: str, camera: Path | None, fwhm: str, allow_cut: bool,
) -> int:  # fmt: skip
    """Outline by region growing; a CT needs no width."""
    _ = sheet.file
    scan = read_image(path)
    width = told.width(camera, fwhm)
    if width is None:
        width = told.CT_WIDTH if scan.kind == "ct" else told.needed_width(camera, fwhm)
    made = tools.grow(scan, name, Place(at, within, reach), lower=lower, upper=upper, step=step,
                      width=width, allow_cut=allow_cut)  # fmt: skip
    return _write(scan, made, sheet)


def sphere_job(
    path: Path, name: str, sheet: Sheet, *, at: str, diameter: str, volume: str, doubt: str
) -> int:
    """Set a sphere."""
    _ = sheet.file
    scan = read_image(path)
    made = tools.placed_sphere(scan, name, at, diameter=diameter, volume=volume, doubt=doubt)
    return _write(scan, made, sheet)


def small_job(
    path: Path, name: str, sheet: Sheet, *, outlines: Path, region: str, volume: str,
    camera: Path | None, fwhm: str,
) -> int:  # fmt: skip
    """Place a small volume in an outlined organ."""
    _ = sheet.file
    scan = read_image(path, kinds=("spect", "pet"))
    made = tools.small(scan, name, outlines, region, volume=volume, width=told.width(camera, fwhm))
    return _write(scan, made, sheet)


def organs_job(ct: Path, sheet: Sheet, *, spect: Path | None, only: str, allow_cut: bool) -> int:
    """Outline organs by rule: those asked for, else all that the images given allow."""
    _ = sheet.file
    wanted = _split([only]) or [o for o in tools.ORGANS if o != "kidneys" or spect is not None]
    image = read_image(ct, kinds=("ct",))
    scan = read_image(spect, kinds=("spect", "pet")) if spect is not None else None
    return _write(image, tools.organs(image, scan, wanted, allow_cut=allow_cut), sheet)


def external_job(
    ct: Path, sheet: Sheet, *, command: str, version_command: str, only: str, timeout: str
) -> int:
    """Run the centre's own program."""
    _ = sheet.file
    segmenter = Segmenter(command, version_command=version_command,
                          timeout_s=quantity(timeout, "duration", where="--timeout"))  # fmt: skip
    image = read_image(ct, kinds=("ct",))
    return _write(image, tools.external(image, segmenter, _split([only])), sheet)


def _split(texts: Sequence[str]) -> list[str]:
    """Names parted by commas, each once."""
    return list(dict.fromkeys(n.strip() for text in texts for n in text.split(",") if n.strip()))


def _write(scan: Scanned, made: Drafts, sheet: Sheet) -> int:
    file, new = sheet.file, [row.outline for row in made.rows]
    outlines = (beside(file, scan, new) if sheet.add_to is not None
                else each_once(new, where=str(file)))  # fmt: skip
    data = outline_file(
        outlines, meanings(outlines), grid=scan.image.grid, headers=scan.headers,
        made_at=datetime.now().astimezone(), version=quimby.__version__,
    )  # fmt: skip
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    partial.write_bytes(data)
    partial.replace(file)
    if not sheet.quiet:
        _tell(console(), made, file)
    return 0


def _tell(to: Console, made: Drafts, file: Path) -> None:
    for row in made.rows:
        volume = plus_minus(row.volume_ml) if row.volume_ml.u else f"{row.volume_ml.value:.1f}"
        words = row.outline.made.words if row.outline.made else ""
        to.print(f" {row.outline.name:<14} {volume} ml  {words}", markup=False)
        for line in row.lines:
            to.print(f" {'':<14} {line}", markup=False)
    for note in gathered(made.notes):
        to.print(f"  {note.code:<16} {note.where}: {note.text}", markup=False)
        to.print(f"  {'':<16} → {note.do}", markup=False)
    to.print(f"Wrote {file}, state draft. Look at it, then name it in the study "
             "(outlines.paths) and:", markup=False)  # fmt: skip
    to.print(" quimby outline review study.toml --by NAME", markup=False)


def list_job(file: Path, *, as_json: bool) -> int:
    """Say what a file, or a study, holds."""
    rows, notes = listed(file)
    if as_json:
        print_json([_as_row(row) for row in rows])
        return 0
    to = console()
    wide = max(len(row.name) for row in rows)
    for frame, group in groupby(rows, key=lambda row: row.frame_of_reference):
        to.print(f"In frame of reference {frame or 'not said'}", markup=False)
        for row in group:
            to.print(f" {row.name:<{wide}} {row.volume_ml:9.1f} ml  {row.state:<9} {_short(row)}",
                     markup=False)  # fmt: skip
            for line in filter(None, (row.judged, *_made_lines(row))):
                to.print(f" {'':<{wide}} {'':>12}  {line}", markup=False)
    for note in notes:
        to.print(f"  {note.code}  {note.where}: {note.text}", markup=False)
    return 0


def _short(row: Listed) -> str:
    made = row.made.made
    return f"{made.tool}, {made.program}" if made else row.how


def _made_lines(row: Listed) -> tuple[str, ...]:
    made = row.made.made
    return (made.words, f"on {made.image}" if made.image else "") if made else ()


def _as_row(row: Listed) -> dict[str, object]:
    made = row.made.made
    return {
        "name": row.name, "volume_ml": row.volume_ml, "state": row.state, "judged": row.judged,
        "how": row.how, "frame_of_reference": row.frame_of_reference,
        "tool": made.tool if made else "", "program": made.program if made else row.made.author,
        "image": made.image if made else "", "parameters": dict(made.parameters) if made else {},
    }  # fmt: skip


def judge_job(
    study: Path, state: Literal["reviewed", "approved"], *, by: str, regions: Sequence[str],
    administration: str,
) -> int:  # fmt: skip
    """Write down who reviewed or approved."""
    found = judge(study, state, by=by, at=datetime.now().astimezone(), regions=_split(regions),
                  administration=administration)  # fmt: skip
    to = console()
    who = " ".join(by.split())
    to.print(f"{', '.join(found.names)}: {state} by {who}. Written to {study}.", markup=False)
    lowered = [n for n, was in zip(found.names, found.before, strict=True) if was == "approved"]
    if state == "reviewed":
        if lowered:
            to.print(f"They were approved before and are now only reviewed: {', '.join(lowered)}.",
                     markup=False)  # fmt: skip
        to.print(f"Then: quimby outline approve {study} --by NAME", markup=False)
    return 0
