"""How a segment was made, in a segmentation's own words: read, and written for it.

The standard has a place for tool, version and parameters (Algorithm Identification Sequence).
Parameters are lines "key = value"; constants of Quimby's tools are among them, so that a result
that rests on the outline can name them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydicom.dataset import Dataset

from quimby.core.outline import Making
from quimby.core.source import Constant
from quimby.measure.dicom.headers import first, text

EDGE, IMAGE, EDGE_U = "edge found by", "image", "doubt of the edge"
CONSTANT = "constant: "
LONGEST = 10240  # letters of a long text (LT)


def parameters_text(made: Making) -> str:
    """Everything that the parameters of an algorithm shall say, a line each."""
    rows = {EDGE: made.edge, IMAGE: made.image}
    if made.edge_u_mm is not None:
        rows[EDGE_U] = f"{made.edge_u_mm:.4g} mm"
    rows |= made.parameters
    rows |= {CONSTANT + c.name: f"{c.value:.12g} {c.unit}" for c in made.constants}
    lines = (f"{key} = {' '.join(value.split())}" for key, value in rows.items() if value)
    return "\r\n".join(lines)[:LONGEST]


def making_of(segment: Dataset, known: Iterable[Constant] = ()) -> Making | None:
    """How a program made the segment; None where it names no algorithm.

    `known` are the constants of this version; one that the file gives another value keeps the
    file's.
    """
    algorithm = first(segment, "SegmentationAlgorithmIdentificationSequence")
    if algorithm is None:
        return None
    rows = _rows(text(algorithm, "AlgorithmParameters"))
    program = " ".join(filter(None, (text(algorithm, "AlgorithmSource"),
                                     text(algorithm, "AlgorithmVersion"))))  # fmt: skip
    rest = {k: v for k, v in rows.items()
            if k not in (EDGE, IMAGE, EDGE_U) and not k.startswith(CONSTANT)}  # fmt: skip
    return Making(
        tool=text(algorithm, "AlgorithmName"), program=program,
        words=text(segment, "SegmentDescription"), edge=rows.get(EDGE, "program"),
        automatic=text(segment, "SegmentAlgorithmType").upper() == "AUTOMATIC",
        image=rows.get(IMAGE, ""), edge_u_mm=_mm(rows.get(EDGE_U, "")), parameters=rest,
        constants=tuple(_constants(rows, {c.name: c for c in known}, program)),
    )  # fmt: skip


def _rows(said: str) -> dict[str, str]:
    pairs = (line.partition(" = ") for line in said.splitlines())
    return {key.strip(): value.strip() for key, sign, value in pairs if sign}


def _mm(said: str) -> float | None:
    number, _, unit = said.partition(" ")
    value = _number(number)
    return value if unit == "mm" and value is not None and value > 0 else None


def _number(said: str) -> float | None:
    try:
        return float(said)
    except ValueError:
        return None


def _constants(
    rows: Mapping[str, str], known: Mapping[str, Constant], program: str
) -> Iterable[Constant]:
    for key, said in rows.items():
        if not key.startswith(CONSTANT):
            continue
        name, (number, _, unit) = key.removeprefix(CONSTANT), said.partition(" ")
        value, here = _number(number), known.get(name)
        if value is None:
            continue
        if here is not None and here.value == value and here.unit == unit:
            yield here
        else:
            yield Constant(name, value, unit, f"as {program or 'the program'} used it", "M")
