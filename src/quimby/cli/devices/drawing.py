"""Saving a plot, and `quimby device chart`."""

from __future__ import annotations

from pathlib import Path

from quimby.cli.devices import telling, words
from quimby.cli.devices.telling import line
from quimby.cli.terminal import console
from quimby.core.notes import refusal
from quimby.devices.counting_device import read_device
from quimby.devices.device_chart import chart_of
from quimby.report.figures.devices import FORMS, Plot, as_bytes


def form_of(out: Path) -> str:
    """png, svg or pdf by the name's ending; E-DEV-FORM, E-DEV-EXISTS."""
    form = out.suffix.lstrip(".").lower()
    if form not in FORMS:
        raise refusal("E-DEV-FORM", where=str(out), forms=", ".join(FORMS))
    words.fresh(out)
    return form


def save(plot: Plot, out: Path, *, quiet: bool = False) -> None:
    """Write the plot, whole or not at all."""
    content = as_bytes(plot, form_of(out))
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    partial.write_bytes(content)
    partial.rename(out)
    line(console(stderr=quiet), f"Wrote   {out}")


def chart_job(path: Path, test: str, *, out: Path) -> int:
    """Draw the control chart of a test; returns the exit code."""
    from quimby.report.figures.devices_chart import control_chart

    form_of(out)
    found = chart_of(read_device(path), test)
    to = console()
    save(control_chart(found), out)
    line(to, f"        {len(found.points)} readings, {found.points[0].on} to {found.points[-1].on}")
    for point in found.points:
        if point.rules or point.result != "pass":
            rules = f", rules {', '.join(point.rules)}" if point.rules else ""
            line(to, f"        {point.on} {telling.state(point.result, to)}{rules}")
    if found.limits is None:
        line(to, f"Next    set limits from ten readings or more: quimby device baseline {path} "
                 f"{test} --by NAME")  # fmt: skip
    telling.told(to, found.notes)
    return 0
