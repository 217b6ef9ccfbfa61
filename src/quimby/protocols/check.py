"""What a protocol names must exist, what it plans must be possible, what it says have a source."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from quimby.core.notes import refusal

if TYPE_CHECKING:
    from quimby.protocols.document import Acquisition, Protocol

IMAGES = ("spect", "planar", "pet")
NEEDS = {
    "thyroid": ("thyroid",),
    "blood": ("blood", "whole_body"),
    "blood, one reading": ("whole_body",),
    "whole body": ("whole_body",),
    "marrow, blood": ("blood", "whole_body"),
}
"""Kinds of measurement that a dose by readings rests on."""


def check(protocol: Protocol, *, where: str) -> None:
    """Refuse a protocol that cannot be used.

    E-PROTOCOL-METHOD for a model or table that nobody has, E-PROTOCOL-SCHEDULE for a schedule
    that cannot be kept or is too thin for its method, E-PROTOCOL-SOURCE where a source is missing.
    """
    _methods(protocol, where)
    _windows(protocol.acquisition, where)
    _enough(protocol, where)
    for key in _without_source(protocol):
        raise refusal("E-PROTOCOL-SOURCE", where=f"{where}, {key}", key=key)


def _methods(protocol: Protocol, where: str) -> None:
    for key, name, known in _named(protocol):
        if name not in known:
            raise refusal("E-PROTOCOL-METHOD", where=f"{where}, {key}", key=key, name=name,
                          known=", ".join(known))  # fmt: skip


def _named(protocol: Protocol) -> Iterator[tuple[str, str, Collection[str]]]:
    """Key, the name that stands there, and the names that exist."""
    from quimby.effect import limits
    from quimby.kinetics.models import MODELS
    from quimby.kinetics.one_scan import RULES
    from quimby.kinetics.priors import known_priors
    from quimby.kinetics.trapezoid import NAME
    from quimby.population import places
    from quimby.protocols import patients

    tables = sorted({table for table, _ in known_priors()})
    if protocol.calculation is not None:
        yield "calculation.priors", protocol.calculation.priors, tables
        for organ, rows in protocol.calculation.models.items():
            for number, models in rows.items():
                for model in models:
                    known = [*MODELS, NAME, *(RULES if number == 1 else ())]
                    yield f"calculation.models.{organ}.{number}", model, known
    if protocol.readings is not None and protocol.readings.kinetics:
        yield "readings.kinetics", protocol.readings.kinetics, tables
    if protocol.uncertainty is not None and protocol.uncertainty.population:
        people = protocol.uncertainty.population
        yield "uncertainty.population", people, patients.names()
        regions = patients.load(people).regions if people in patients.names() else ()
        yield "uncertainty.region", protocol.uncertainty.region, list(regions)
    if protocol.compare.limits:
        yield "compare.limits", protocol.compare.limits, limits.tables()
    if protocol.compare.population:
        yield "compare.population", protocol.compare.population, places.tables()


def _windows(planned: tuple[Acquisition, ...], where: str) -> None:
    if not planned:
        _impossible(where, "acquisition", "nothing is measured")
    for i, one in enumerate(planned):
        if one.id in (before.id for before in planned[:i]):
            _impossible(where, f"acquisition[{i}].id", f"{one.id!r} stands twice")
    for i, one in enumerate(planned):
        for other in planned[:i]:
            if one.kind == other.kind and _overlap(one, other):
                why = f"the windows of {other.id} and {one.id} overlap, so a scan may be either"
                _impossible(where, f"acquisition[{i}].window_h", why)


def _overlap(one: Acquisition, other: Acquisition) -> bool:
    return max(one.window_h[0], other.window_h[0]) < min(one.window_h[1], other.window_h[1])


def _enough(protocol: Protocol, where: str) -> None:
    kinds = [a.kind for a in protocol.acquisition]
    if protocol.readings is not None:
        for dose in protocol.readings.doses:
            for kind in NEEDS[dose]:
                if kind not in kinds:
                    _impossible(where, "acquisition", f"a dose by {dose!r} needs {kind} readings")
        least = min(protocol.readings.uptake, default=0)
        if "thyroid" in protocol.readings.doses and kinds.count("thyroid") < least:
            _impossible(where, "readings.uptake", f"its methods need {least} uptakes at least")
    if protocol.calculation is not None:
        scans, least = sum(k in IMAGES for k in kinds), min(protocol.calculation.models["default"])
        if "planar" in kinds and not {"spect", "pet"} & set(kinds):
            _impossible(where, "acquisition", "planar scans have no scale without a SPECT/CT")
        if scans < least:
            why = f"the curve models need {least} scans at least, {scans} are planned"
            _impossible(where, "acquisition", why)
        _voxels(protocol, where)


def _voxels(protocol: Protocol, where: str) -> None:
    """What integrates voxels must be planned: two SPECT for curves, the scan that is named."""
    plan, spect = protocol.imaging, [a.id for a in protocol.acquisition if a.kind == "spect"]
    if plan.voxels == "fit" and len(spect) < 2:
        why = f"a curve in every voxel needs 2 SPECT scans at least, {len(spect)} are planned"
        _impossible(where, "calculation.voxels", why)
    if plan.voxel_scan and plan.voxels != "one scan":
        why = 'only voxels = "one scan" takes one'
        _impossible(where, "calculation.voxel_scan", why)
    if plan.voxel_scan and plan.voxel_scan not in spect:
        why = f"no SPECT scan is called {plan.voxel_scan!r}; they are {', '.join(spect)}"
        _impossible(where, "calculation.voxel_scan", why)


def _impossible(where: str, key: str, why: str) -> None:
    raise refusal("E-PROTOCOL-SCHEDULE", where=f"{where}, {key}", key=key, why=why)


def _without_source(protocol: Protocol) -> Iterator[str]:
    if not protocol.source:
        yield "source"
    for i, row in enumerate(protocol.source):
        if len(row.source.strip()) < 3:
            yield f"source[{i}].source"
    if protocol.burden is not None and len(protocol.burden.source.strip()) < 3:
        yield "burden.source"
    for organ, rows in protocol.calculation.fixed.items() if protocol.calculation else ():
        for quantity, held in rows.items():
            if len(held.source.strip()) < 3:
                yield f"calculation.fixed.{organ}.{quantity}.source"
    for i, part in enumerate(protocol.uncertainty.component if protocol.uncertainty else ()):
        if len(part.source.strip()) < 3:
            yield f"uncertainty.component[{i}].source"
