"""`quimby outline`: draw regions by threshold, shape or rule, list them, review and approve."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from quimby.cli.terminal import guarded

outline_app = typer.Typer(
    help="Outline regions, list outlines, and say who reviewed and approved them.",
    no_args_is_help=True,
)

Image = Annotated[Path, typer.Argument(help="SPECT or PET file, or the folder of a scan or CT")]
Name = Annotated[str, typer.Option(help='what the outline is called, e.g. "lesion 1"')]
Out = Annotated[Path | None, typer.Option("-o", "--out", help="DICOM SEG to write (new)")]
AddTo = Annotated[Path | None, typer.Option(help="file made here before, to add the region to")]
At = Annotated[str, typer.Option(help="point x,y,z in mm: left, back, head")]
Within = Annotated[
    str, typer.Option("--in", help="box x,y,z,x,y,z in mm; its hottest voxel is the point")
]
Reach = Annotated[str, typer.Option(help='how far from the point it may go, "40 mm" unless said')]
Camera = Annotated[Path | None, typer.Option(help="camera record, for its point spread")]
Fwhm = Annotated[str, typer.Option(help='width of a point in the scan, e.g. "11 mm"')]
AllowCut = Annotated[
    bool, typer.Option("--allow-cut", help="write a region that runs out of the image")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="errors only")]
By = Annotated[str, typer.Option(help="your name")]
Regions = Annotated[
    list[str] | None, typer.Option(help="names of outlines, A,B (repeatable); all if left out")
]
Which = Annotated[str, typer.Option(help="id of the administration, of several with outlines")]
StudyFile = Annotated[Path, typer.Argument(help="study.toml")]


@outline_app.command("threshold")
def outline_threshold(
    image: Image, name: Name, out: Out = None, add_to: AddTo = None,
    at: At = "", within: Within = "", reach: Reach = "",
    share: Annotated[str, typer.Option(help="of the maximum, 41% unless said")] = "",
    level: Annotated[str, typer.Option(help='concentration, e.g. "0.5 MBq/ml"')] = "",
    adaptive: Annotated[
        bool, typer.Option("--adaptive", help="suit size, contrast and the scan's blur")
    ] = False,
    camera: Camera = None, fwhm: Fwhm = "", allow_cut: AllowCut = False, quiet: Quiet = False,
) -> None:  # fmt: skip
    """A lesion or organ by its uptake: a share of the maximum, a level, or adapted to the blur."""
    from quimby.cli import outlining

    _ends(lambda: outlining.threshold_job(
        image, name, outlining.Sheet(out, add_to, quiet), at=at, within=within, reach=reach,
        share=share, level=level, by_size=adaptive, camera=camera, fwhm=fwhm, allow_cut=allow_cut,
    ))  # fmt: skip


@outline_app.command("grow")
def outline_grow(
    image: Image, name: Name,
    lower: Annotated[str, typer.Option(help='least value with the image\'s unit, "0 HU"')],
    out: Out = None, add_to: AddTo = None, at: At = "", within: Within = "", reach: Reach = "",
    upper: Annotated[str, typer.Option(help="largest value")] = "",
    step: Annotated[str, typer.Option(help="how well each bound is known")] = "",
    camera: Camera = None, fwhm: Fwhm = "", allow_cut: AllowCut = False, quiet: Quiet = False,
) -> None:  # fmt: skip
    """All that hangs together with a point and lies between two values."""
    from quimby.cli import outlining

    _ends(lambda: outlining.grow_job(
        image, name, outlining.Sheet(out, add_to, quiet), at=at, within=within, reach=reach,
        lower=lower, upper=upper, step=step, camera=camera, fwhm=fwhm, allow_cut=allow_cut,
    ))  # fmt: skip


@outline_app.command("sphere")
def outline_sphere(
    image: Image, name: Name, at: At, out: Out = None, add_to: AddTo = None,
    diameter: Annotated[str, typer.Option(help='e.g. "20 mm"')] = "",
    volume: Annotated[str, typer.Option(help='instead, e.g. "4 ml"')] = "",
    doubt: Annotated[str, typer.Option(help='of the diameter, e.g. "1 mm"')] = "",
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """A sphere set by hand."""
    from quimby.cli import outlining

    _ends(lambda: outlining.sphere_job(image, name, outlining.Sheet(out, add_to, quiet), at=at,
                                       diameter=diameter, volume=volume, doubt=doubt))  # fmt: skip


@outline_app.command("small")
def outline_small(
    image: Image, name: Name,
    outlines: Annotated[Path, typer.Option(help="RTSTRUCT or SEG with the organ")],
    region: Annotated[str, typer.Option(help="the organ's outline in it")],
    out: Out = None, add_to: AddTo = None,
    volume: Annotated[str, typer.Option(help='"4 ml" unless said')] = "",
    camera: Camera = None, fwhm: Fwhm = "", quiet: Quiet = False,
) -> None:  # fmt: skip
    """A small volume in the most uniform part of an organ, and the concentration there."""
    from quimby.cli import outlining

    _ends(lambda: outlining.small_job(image, name, outlining.Sheet(out, add_to, quiet),
                                      outlines=outlines, region=region, volume=volume,
                                      camera=camera, fwhm=fwhm))  # fmt: skip


@outline_app.command("organs")
def outline_organs(
    ct: Annotated[Path, typer.Argument(help="folder of the CT")],
    out: Out = None, add_to: AddTo = None,
    spect: Annotated[Path | None, typer.Option(help="scan of that CT, for the kidneys")] = None,
    only: Annotated[
        str, typer.Option(help="body,lungs,bone,kidneys or some of them")
    ] = "",
    allow_cut: AllowCut = False, quiet: Quiet = False,
) -> None:  # fmt: skip
    """Body, lungs, bone and kidneys by rule, without learned weights."""
    from quimby.cli import outlining

    _ends(lambda: outlining.organs_job(ct, outlining.Sheet(out, add_to, quiet), spect=spect,
                                       only=only, allow_cut=allow_cut))  # fmt: skip


@outline_app.command("external")
def outline_external(
    ct: Annotated[Path, typer.Argument(help="folder of the CT")],
    command: Annotated[
        str, typer.Option(help='program, e.g. "TotalSegmentator -i {input} -o {output}"')
    ],
    out: Out = None, add_to: AddTo = None,
    version_command: Annotated[str, typer.Option(help="what prints its version")] = "",
    only: Annotated[str, typer.Option(help="names of its labels, A,B; all if left out")] = "",
    timeout: Annotated[str, typer.Option(help="how long it may run")] = "30 min",
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Run your own segmenter on a CT and take its labels as drafts."""
    from quimby.cli import outlining

    _ends(lambda: outlining.external_job(
        ct, outlining.Sheet(out, add_to, quiet), command=command, version_command=version_command,
        only=only, timeout=timeout,
    ))  # fmt: skip


@outline_app.command("list")
def outline_list(
    file: Annotated[Path, typer.Argument(help="RTSTRUCT, SEG, NIfTI labels, or study.toml")],
    as_json: Annotated[bool, typer.Option("--json", help="as JSON on standard output")] = False,
) -> None:
    """Names, volumes, states, how each was made, and where it lies."""
    from quimby.cli import outlining

    _ends(lambda: outlining.list_job(file, as_json=as_json))


@outline_app.command("review")
def outline_review(
    study: StudyFile, by: By, regions: Regions = None, administration: Which = ""
) -> None:
    """Say in the study that you looked at the outlines."""
    from quimby.cli import outlining

    _ends(lambda: outlining.judge_job(study, "reviewed", by=by, regions=regions or [],
                                      administration=administration))  # fmt: skip


@outline_app.command("approve")
def outline_approve(
    study: StudyFile, by: By, regions: Regions = None, administration: Which = ""
) -> None:
    """Say in the study that you answer for the outlines; somebody reviewed them before."""
    from quimby.cli import outlining

    _ends(lambda: outlining.judge_job(study, "approved", by=by, regions=regions or [],
                                      administration=administration))  # fmt: skip


def _ends(job: Callable[[], int]) -> None:
    """Run a job and leave with its exit code."""
    raise typer.Exit(guarded(job))
