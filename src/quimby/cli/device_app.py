"""`quimby device`: counters, probes, monitors and activity meters, and their quality control."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from quimby.cli.terminal import guarded

device_app = typer.Typer(
    help="Counters, probes, monitors, activity meters: calibrate, check, chart, trace.",
    no_args_is_help=True,
)
dead_time_app = typer.Typer(help="Dead time, measured in one of two ways.", no_args_is_help=True)
device_app.add_typer(dead_time_app, name="dead-time")

Doc = Annotated[Path, typer.Argument(help="device document (TOML)")]
On = Annotated[str | None, typer.Option(help="day, e.g. 2025-03-03 (today where left out)")]
By = Annotated[str, typer.Option(help="who did it")]
ByToKeep = Annotated[str | None, typer.Option(help="who did it; needed to write")]
Json = Annotated[bool, typer.Option("--json", help="one JSON document on standard output")]
Strict = Annotated[bool, typer.Option("--strict", help="exit 3 when something blocks signing")]
Zone = Annotated[
    str | None, typer.Option(help="IANA zone of times that have none, e.g. Europe/Berlin")
]
Columns = Annotated[
    Path | None, typer.Option(help="confirmed mapping (TOML) of a table with other headers")
]
Table = Annotated[
    Path, typer.Argument(help="readings, with the headers of quimby template device_readings")
]
Plotted = Annotated[
    Path | None, typer.Option("-o", "--out", help="plot to write: .png, .svg or .pdf")
]
Write = Annotated[
    Path | None, typer.Option(help="device document to record the result in (needs --by)")
]
Name = Annotated[str, typer.Option("--name", help="what the plot calls the device")]
Nuclide = Annotated[str, typer.Option(help="e.g. I-131")]
Geometry = Annotated[str, typer.Option(help='e.g. "2 ml in a 5 ml tube", "neck phantom"')]
Activity = Annotated[
    list[str] | None,
    typer.Option(help='of the standard: "4.20 kBq ± 2 %", or "S1=4.20 kBq ± 2 %" for one tube'),
]
At = Annotated[str, typer.Option(help="time that the activity holds for")]
Concentration = Annotated[
    str | None, typer.Option(help='"2.10 kBq/ml ± 2 %", with the volumes in the table')
]
Counts = Annotated[
    list[str] | None, typer.Option(help='a counting of the standard: "61234 counts in 60 s"')
]
CountedAt = Annotated[
    str | None, typer.Option(help="time that --counts (start) or --reading was taken")
]
Background = Annotated[
    str | None, typer.Option(help='"612 counts in 600 s", or a reading in the unit of the others')
]
Pipetting = Annotated[
    str | None, typer.Option(help='doubt of each pipetting, its own for each tube: "1 %"')
]


@device_app.command("new")
def new(
    kind: Annotated[str, typer.Argument(help="gamma counter, thyroid probe, dose-rate monitor, "
                                             "radionuclide calibrator or HPGe")],
    out: Annotated[Path, typer.Option("-o", "--out", help="device document to write")],
    device_id: Annotated[str | None, typer.Option("--id", help="its name on reports")] = None,
    manufacturer: Annotated[str | None, typer.Option()] = None,
    model: Annotated[str | None, typer.Option()] = None,
    serial: Annotated[str | None, typer.Option()] = None,
    mounting: Annotated[
        str | None, typer.Option(help="hand-held or fixed, for a dose-rate monitor")
    ] = None,
    also_for: Annotated[
        list[str] | None, typer.Option(help='what else it measures: "whole-body retention"')
    ] = None,
    no_dead_time: Annotated[
        bool, typer.Option("--no-dead-time", help="dead time plays no role in this device")
    ] = False,
) -> None:  # fmt: skip
    """Write a device document to fill in."""
    from quimby.cli.devices.new import new_job

    told = {"id": device_id, "manufacturer": manufacturer, "model": model, "serial": serial,
            "mounting": mounting}  # fmt: skip
    _ends(lambda: new_job(kind, out, told=told, also_for=also_for or [],
                          dead_time_none=no_dead_time))  # fmt: skip


@device_app.command("show")
def show(
    device: Doc, on: On = None,
    time: Annotated[float, typer.Option(help="counting time for detection limits, s")] = 60.0,
    as_json: Json = False, strict: Strict = False,
) -> None:  # fmt: skip
    """May I measure with this today? Calibrations, limits, checks done and due."""
    from quimby.cli.devices.showing import show_job
    from quimby.cli.devices.words import day

    _ends(lambda: show_job(device, on=day(on, where="--on"), time_s=time, as_json=as_json,
                           strict=strict))  # fmt: skip


@device_app.command("calendar")
def calendar(
    paths: Annotated[list[Path], typer.Argument(help="folders or device documents")],
    on: On = None,
    days: Annotated[int, typer.Option(min=0, help="how far to look ahead")] = 14,
    as_json: Json = False, strict: Strict = False,
) -> None:  # fmt: skip
    """What all devices need next, the most pressing first."""
    from quimby.cli.devices.showing import calendar_job
    from quimby.cli.devices.words import day

    _ends(lambda: calendar_job(paths, on=day(on, where="--on"), days=days, as_json=as_json,
                               strict=strict))  # fmt: skip


@device_app.command("enter")
def enter(
    device: Doc,
    test: Annotated[str, typer.Argument(help="id or title of the check, e.g. constancy")],
    by: By,
    on: Annotated[str | None, typer.Option(help="day, or day and time (today if left out)")] = None,
    reading: Annotated[
        str | None, typer.Option(help='net: "951 cps"; or "57060 counts in 60 s", "661.5 keV"')
    ] = None,
    background: Annotated[
        str | None, typer.Option(help="to take away from the reading, in its unit")
    ] = None,
    status: Annotated[str | None, typer.Option(help="passed, warning or failed")] = None,
    note: Annotated[str, typer.Option(help="a remark")] = "",
    zone: Zone = None, as_json: Json = False, strict: Strict = False,
) -> None:  # fmt: skip
    """Enter today's check: a reading of the check source is judged, others are yours to judge."""
    from quimby.cli.devices.entering import enter_job

    _ends(lambda: enter_job(device, test, on=on, reading=reading, background=background,
                            status=status, by=by, remark=note, zone=zone, strict=strict,
                            as_json=as_json))  # fmt: skip


@device_app.command("repair")
def repair(
    device: Doc, by: By,
    why: Annotated[str, typer.Option(help="what was done")],
    on: On = None,
) -> None:  # fmt: skip
    """Record a repair, recalibration or move: acceptance tests are asked for again."""
    from quimby.cli.devices.entering import repair_job

    _ends(lambda: repair_job(device, on=on, by=by, why=why))


@device_app.command("baseline")
def baseline(
    device: Doc,
    test: Annotated[str, typer.Argument(help="id or title of the check")],
    by: By,
    first: Annotated[str | None, typer.Option(help="first day of its readings")] = None,
    last: Annotated[str | None, typer.Option(help="last day of its readings")] = None,
) -> None:
    """Set the limits of a control chart from ten readings or more; anew only after a repair."""
    from quimby.cli.devices.entering import baseline_job

    _ends(lambda: baseline_job(device, test, first=first, last=last, by=by))


@device_app.command("clock")
def clock(
    device: Doc,
    shown: Annotated[str, typer.Option(help="what the device showed, with offset or --zone")],
    true: Annotated[str, typer.Option(help="what the reference clock showed")],
    zone: Zone = None,
) -> None:
    """Record how far the device's clock is off."""
    from quimby.cli.devices.entering import clock_job

    _ends(lambda: clock_job(device, shown=shown, true=true, zone=zone))


@device_app.command("calibrate")
def calibrate(
    device: Doc,
    nuclide: Nuclide, geometry: Geometry, at: At, by: By,
    standard: Annotated[str, typer.Option(help="what it is traced to: certificate, meter")],
    table: Annotated[
        Path | None, typer.Argument(help="countings, headers of quimby template gamma_counter")
    ] = None,
    activity: Activity = None, concentration: Concentration = None, counts: Counts = None,
    reading: Annotated[
        list[str] | None, typer.Option(help='shown for the standard: "36.9 MBq", "12.3 µSv/h"')
    ] = None,
    counted_at: CountedAt = None, background: Background = None, pipetting: Pipetting = None,
    cause: Annotated[list[str] | None, typer.Option(help='a further doubt: "volume=1 %"')] = None,
    on: On = None,
    valid_until: Annotated[
        str | None, typer.Option(help="last valid day (365 days on where left out)")
    ] = None,
    zone: Zone = None, columns: Columns = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="calculate, write nothing")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Calibrate for a nuclide in a geometry, and add the record with its doubt by cause."""
    from quimby.cli.devices.calibrating import Measured, calibrate_job

    measured = Measured(nuclide, geometry, activity or (), at, concentration, table, columns,
                        counts or (), reading or (), counted_at, background, pipetting,
                        zone)  # fmt: skip
    _ends(lambda: calibrate_job(device, measured, standard=standard, by=by, on=on,
                                valid_until=valid_until, more=cause or (), dry_run=dry_run,
                                as_json=as_json))  # fmt: skip


@device_app.command("cross-check")
def cross_check(
    device: Doc,
    nuclide: Nuclide, geometry: Geometry, at: At,
    table: Annotated[
        Path | None, typer.Argument(help="countings, headers of quimby template gamma_counter")
    ] = None,
    activity: Activity = None, concentration: Concentration = None, counts: Counts = None,
    counted_at: CountedAt = None, background: Background = None, pipetting: Pipetting = None,
    zone: Zone = None, columns: Columns = None,
    record: Annotated[
        bool, typer.Option("--record", help="enter it as the efficiency check (needs --by)")
    ] = False,
    by: ByToKeep = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Hold a calibrated counter against activities known from an activity meter."""
    from quimby.cli.devices.calibrating import Measured, cross_check_job

    measured = Measured(nuclide, geometry, activity or (), at, concentration, table, columns,
                        counts or (), (), counted_at, background, pipetting, zone)  # fmt: skip
    _ends(lambda: cross_check_job(device, measured, by=by, record=record, as_json=as_json))


Counted = Annotated[str, typer.Option(help='"61234 counts in 60 s", background included')]
Model = Annotated[str | None, typer.Option(help="paralysable or non-paralysable")]


@dead_time_app.command("two-source")
def two_source(
    first: Counted, second: Counted, together: Counted,
    background: Annotated[str, typer.Option(help='"612 counts in 600 s"')],
    model: Model = None, write: Write = None, by: ByToKeep = None, on: On = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Dead time from two sources, counted apart and together."""
    from quimby.cli.devices.characterising import Keep, two_source_job

    _ends(lambda: two_source_job((first, second, together, background), model=model,
                                 keep=Keep(write, by, on), as_json=as_json))  # fmt: skip


@dead_time_app.command("decay")
def decay(
    table: Table, nuclide: Nuclide,
    model: Model = None, out: Plotted = None, write: Write = None, by: ByToKeep = None,
    on: On = None, zone: Zone = None, columns: Columns = None, as_json: Json = False,
    name: Name = "counter",
) -> None:  # fmt: skip
    """Dead time from one source while it decays; both models are compared."""
    from quimby.cli.devices.characterising import Keep, decay_job

    _ends(lambda: decay_job(table, name=nuclide, model=model, out=out, zone=zone,
                            columns=columns, keep=Keep(write, by, on), as_json=as_json,
                            device=name))  # fmt: skip


@device_app.command("linearity")
def linearity(
    table: Table,
    nuclide: Annotated[
        str | None, typer.Option(help="of the decaying source; none with known activities")
    ] = None,
    tolerance: Annotated[str, typer.Option(help="largest deviation allowed")] = "5 %",
    out: Plotted = None, write: Write = None, by: ByToKeep = None, on: On = None,
    zone: Zone = None, columns: Columns = None, as_json: Json = False, name: Name = "device",
) -> None:  # fmt: skip
    """Linearity by decay, or against a series of known activities."""
    from quimby.cli.devices.characterising import Keep, linearity_job

    _ends(lambda: linearity_job(table, name=nuclide, out=out, zone=zone, columns=columns,
                                tolerance=tolerance, keep=Keep(write, by, on), as_json=as_json,
                                device=name))  # fmt: skip


@device_app.command("chi-square")
def chi_square(
    counts: Annotated[list[str], typer.Argument(help="counts of one unmoved source, or a table")],
    write: Write = None, by: ByToKeep = None, on: On = None, zone: Zone = None,
    columns: Columns = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Does the counter scatter as counting does, no more and no less?"""
    from quimby.cli.devices.characterising import Keep, chi_square_job

    _ends(lambda: chi_square_job(counts, zone=zone, columns=columns, keep=Keep(write, by, on),
                                 as_json=as_json))  # fmt: skip


@device_app.command("position")
def position(
    table: Table, write: Write = None, by: ByToKeep = None, on: On = None, zone: Zone = None,
    columns: Columns = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Repeatability of ten set-ups or more; with distances, the inverse square."""
    from quimby.cli.devices.characterising import Keep, position_job

    _ends(lambda: position_job(table, zone=zone, columns=columns, keep=Keep(write, by, on),
                               as_json=as_json))  # fmt: skip


@device_app.command("chart")
def chart(
    device: Doc,
    test: Annotated[str, typer.Argument(help="id or title of the check")],
    out: Annotated[Path, typer.Option("-o", "--out", help="plot: .png, .svg or .pdf")],
) -> None:
    """Draw the control chart of a check: statistics and tolerance, both must hold."""
    from quimby.cli.devices.drawing import chart_job

    _ends(lambda: chart_job(device, test, out=out))


@device_app.command("trace")
def trace(
    device: Doc,
    measured: Annotated[
        list[str], typer.Argument(help='studies, results, tables, or "blood 4=2025-03-10"')
    ],
    zone: Zone = None, columns: Columns = None, as_json: Json = False,
) -> None:  # fmt: skip
    """List what was measured while the device was, or may have been, out of control."""
    from quimby.cli.devices.tracing import trace_job

    _ends(lambda: trace_job(device, measured, zone=zone, columns=columns, as_json=as_json))


def _ends(job: Callable[[], int]) -> None:
    """Run a job and leave with its exit code."""
    raise typer.Exit(guarded(job))
