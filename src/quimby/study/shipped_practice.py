"""Constants of practice that ship: devices, formulas, limits, aims, published patients."""

from __future__ import annotations

from collections.abc import Iterator

from quimby import protocols, therapies
from quimby.core.source import Constant
from quimby.core.tables import constants as table_of
from quimby.devices.dead_time import typical_tau
from quimby.devices.typical_doubt import typical
from quimby.effect import limits
from quimby.kinetics.priors import known_priors
from quimby.planning import gates, thyroid
from quimby.population import places, plausible
from quimby.protocols import Protocol
from quimby.study.shipped_physics import Row, data

DOUBTFUL_FIRST = "MPDV"


def devices() -> Iterator[Row]:
    """Usual doubts, dead time, and the calendar of tests."""
    for constant in typical().values():
        yield "doubt of devices without a budget", constant
    yield "count-rate loss", typical_tau()
    for test in data("quimby.devices", "qc_calendar.toml")["test"]:
        for key, unit in (("period_d", "d"), ("grace_d", "d")):
            if key in test:
                name = f"{test['kind']}, {test['id']}: {key.removesuffix('_d')}"
                yield (
                    "quality control",
                    Constant(name, test[key], unit, test["source"], test["tag"]),
                )


def outlines() -> Iterator[Row]:
    """Figures that outlines made by Quimby rest on, and reference masses."""
    for row in data("quimby.measure.segment", "segment.toml").values():
        value, *about = (row[key] for key in ("value", "unit", "source", "tag"))
        yield "outlines made by rule", Constant(row["name"], value, *about)


def recovery_ranges() -> Iterator[Row]:
    """Published recovery of the NEMA body phantom's spheres, lowest and highest."""
    for name, row in data("quimby.devices", "pet_recovery.toml").items():
        for kind in ("maximum", "contour"):
            for size, ends in row.get(kind, {}).items():
                for which, value in zip(("lowest", "highest"), ends, strict=True):
                    what = f"recovery, {name}, {kind} of {size} mm, {which}"
                    yield "PET recovery", Constant(what, value, "1", row["source"], row["tag"])


def radioiodine() -> Iterator[Row]:
    """Formulas, limits, aims and questions of the 131I routes."""
    for constant in table_of("quimby.dose", "radioiodine").values():
        yield "dose, 131I", constant
    for constant in table_of("quimby.dose", "red_marrow").values():
        yield "dose, red marrow by images", constant
    for constant in table_of("quimby.planning", "radioiodine").values():
        yield "plan, 131I", constant
    for aim in thyroid.aims().values():
        for which, value in (("lowest", aim.low_gy), ("highest", aim.high_gy)):
            name = f"dose aim, {aim.title}, {which}"
            yield "plan, benign thyroid", Constant(name, value, "Gy", aim.source, aim.tag)
    for key, row in gates.questions().items():
        name = f"asked before a plan: {key.replace('_', ' ')}"
        yield "plan, 131I", Constant(name, 1.0, "rule", row["source"], row["tag"])


def blood_volumes() -> Iterator[Row]:
    """Coefficients of the formulas, ``a height**p + b weight + c``."""
    for formula, row in data("quimby.dose", "blood_volume.toml").items():
        about, name = (row["source"], row["tag"]), f"blood volume, {formula}"
        power = row["height_power"]
        yield "blood volume", Constant(f"{name}, power of height", power, "", *about)
        yield "blood volume", Constant(f"{name}, least", row["least_ml"], "ml", *about)
        for sex, numbers in row["sexes"].items():
            units = (f"ml/cm^{power}", "ml/kg", "ml")
            for what, unit, value in zip(("a", "b", "c"), units, numbers, strict=True):
                yield "blood volume", Constant(f"{name}, {sex}, {what}", value, unit, *about)


def effects() -> Iterator[Row]:
    """Radiobiology and limits."""
    for name in therapies.names():
        therapy = therapies.load(name)
        for organ in therapy.tissue:
            tissue = therapy.tissue_of(organ)
            for constant in tissue.constants if tissue else ():
                yield f"BED, {therapy.id}", constant
    for name in limits.tables():
        for limit in limits.table(name).limits:
            yield f"limits, {name}", limit.constant


def curves() -> Iterator[Row]:
    """Population kinetics."""
    for table, prior in known_priors():
        yield f"curves, {table}", prior.constant()


def populations() -> Iterator[Row]:
    """Published patients, and windows of what is plausible."""
    for name in places.tables():
        for cohort in places.table(name):
            yield f"published patients, {name}", cohort.constant()
    yield from (("check of doses", constant) for constant in plausible.constants())


def schedules() -> Iterator[Row]:
    """Windows of protocols. Each takes the most doubtful tag of what its protocol names."""
    for name in protocols.names():
        protocol = protocols.load(name)
        for one in protocol.acquisition:
            for which, hour in zip(("from", "to"), one.window_h, strict=True):
                yield _of_protocol(protocol, f"window of {one.id}, {which}", hour, "h")
        if protocol.calculation is not None:
            shift = protocol.calculation.registration_limit_mm
            limit = Constant(f"{name}: limit of shift", shift, "mm", "house policy", "P")
            yield f"protocol {name}", limit


def _of_protocol(protocol: Protocol, what: str, value: float, unit: str) -> Row:
    rows = sorted(protocol.source, key=lambda row: DOUBTFUL_FIRST.index(row.tag))
    constant = Constant(f"{protocol.id}: {what}", value, unit, rows[0].source, rows[0].tag)
    return f"protocol {protocol.id}", constant
