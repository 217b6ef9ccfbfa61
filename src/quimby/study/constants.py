"""Every constant that a result may rest on, with its source and where it is used."""

from __future__ import annotations

from collections.abc import Iterator

from quimby import therapies
from quimby.core.source import Constant
from quimby.effect import limits
from quimby.kinetics.priors import known_priors
from quimby.physics.nuclides import registry


def constants() -> tuple[tuple[str, Constant], ...]:
    """(where it is used, constant), each once, by place and name."""
    rows = [*_nuclides(), *_tissues(), *_limits(), *_priors()]
    return tuple(sorted(set(rows), key=lambda row: (row[0], row[1].name)))


def _nuclides() -> Iterator[tuple[str, Constant]]:
    for one in registry().values():
        for constant in one.constants:
            yield "decay and dose", constant


def _tissues() -> Iterator[tuple[str, Constant]]:
    for name in therapies.names():
        therapy = therapies.load(name)
        for organ in therapy.tissue:
            tissue = therapy.tissue_of(organ)
            for constant in tissue.constants if tissue else ():
                yield f"BED, {therapy.id}", constant


def _limits() -> Iterator[tuple[str, Constant]]:
    for name in limits.tables():
        for limit in limits.table(name).limits:
            yield f"limits, {name}", limit.constant


def _priors() -> Iterator[tuple[str, Constant]]:
    for table, prior in known_priors():
        yield f"curves, {table}", prior.constant()
