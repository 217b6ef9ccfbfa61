"""A centre's own patients as values to learn from: result.json files, and tables in CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
from math import log
from pathlib import Path
from typing import Any

from quimby import therapies
from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, in_order, note, refusal
from quimby.kinetics.cohort import Observation, observed, without_prior
from quimby.study.known import OWN_SAMPLES

SCHEMA = "quimby.result"
COLUMNS = ("patient", "organ", "quantity", "value", "u")
HASH_BYTES = 6
QUANTITIES = (
    ("effective", "half_lives_h", "effective", ""),
    ("uptake", "half_lives_h", "uptake", "uptake"),
    ("fast", "half_lives_h", "fast", "fast"),
    ("start ratio", "parameters", "start_ratio", "start"),
)
"""Quantity of a prior, where a curve in result.json has it, and a word of its prior's name. The
effective half-life has no prior with three scans or more."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Values of patients, whose they are, and what was left out.

    `patients` are keyed hashes: the key is the digest of all files, so that a name cannot be
    found again by trying names without having the files.
    """

    observations: tuple[Observation, ...]
    therapy: str  # id, "" where nothing says
    agents: tuple[str, ...]
    files: int
    sha256: str
    patients: tuple[str, ...]
    notes: tuple[Note, ...]


def read_cohort(paths: Sequence[Path], *, therapy: str = "") -> Cohort:
    """Values from files and folders (every result.json under them).

    Half-lives count of regions scanned three times or more; what a curve took from a prior is
    taken off again, and a value that the prior told more than the patient is left out. Raises
    E-PRIOR-COHORT, E-PRIOR-VALUE, E-STUDY-FILE, E-THERAPY.
    """
    files = sorted({f for path in paths for f in _files(path)})
    if not files:
        raise refusal("E-PRIOR-COHORT", where="cohort", problem="no result.json and no CSV here")
    found: list[Observation] = []
    notes: list[Note] = []
    told, agents = {therapies.load(therapy).id} if therapy else set[str](), set[str]()
    for file in files:
        if file.suffix.lower() == ".csv":
            found += _table(file)
            continue
        body = _result(file)
        if body["example"]:
            notes.append(_left_out(file.name, body["study_id"], "its data are invented"))
            continue
        told.add(_therapy(body, file))
        agents.add(str(body["administration"]["radiopharmaceutical"]))
        more, seen = _of_result(body)
        found += more
        notes += seen
    if len(told) > 1:
        problem = f"it mixes therapies: {', '.join(sorted(told))}"
        raise refusal("E-PRIOR-COHORT", where="cohort", problem=problem)
    whole = sha256(b"".join(sha256(f.read_bytes()).digest() for f in files))
    names = sorted({_hashed(o.patient, whole.digest()) for o in found})
    return Cohort(tuple(found), next(iter(told), ""), tuple(sorted(agents - {""})), len(files),
                  whole.hexdigest(), tuple(names), in_order(notes))  # fmt: skip


def _hashed(patient: str, key: bytes) -> str:
    return blake2b(patient.encode(), key=key, digest_size=HASH_BYTES).hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise refusal("E-STUDY-FILE", where="cohort", path=path)
    yield from path.rglob("result.json") if path.is_dir() else [path]


def _result(file: Path) -> dict[str, Any]:
    try:
        body = json.loads(file.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise refusal("E-PRIOR-COHORT", where=file.name,
                      problem=f"it cannot be read: {error}") from None  # fmt: skip
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        raise refusal("E-PRIOR-COHORT", where=file.name, problem="it is no result of Quimby")
    return body


def _therapy(body: Mapping[str, Any], file: Path) -> str:
    for name in therapies.names():
        if therapies.load(name).title == body["therapy"]:
            return name
    problem = f"its therapy, {body['therapy']!r}, is not known here"
    raise refusal("E-PRIOR-COHORT", where=file.name, problem=problem)


def _left_out(where: str, what: str, why: str) -> Note:
    return note("W-PRIOR-LEFT-OUT", where=where, what=what, why=why)


def _of_result(body: Mapping[str, Any]) -> tuple[list[Observation], list[Note]]:
    priors = {c["name"]: c for c in body["trace"]["constants"]}
    found: list[Observation] = []
    notes: list[Note] = []
    for row in body["regions"]:
        where = f"{body['study_id']}, {row['name']}"
        if len(row["samples"]) < OWN_SAMPLES:
            notes.append(_left_out(where, row["name"], f"{len(row['samples'])} scans only"))
        elif row["curve"]:
            more, seen = _of_curve(body["patient"]["id"], row, priors, where)
            found += more
            notes += seen
    return found, notes


def _of_curve(
    patient: str, row: Mapping[str, Any], priors: Mapping[str, Any], where: str
) -> tuple[list[Observation], list[Note]]:
    tissue = "marrow" if row["organ"] == "vertebra" else row["organ"]
    found, notes = [], []
    for quantity, part, key, word in QUANTITIES:
        value = row["curve"][part].get(key)
        if value is None:
            continue
        own = _own(value, {c: p for c, p in priors.items() if word and word in c})
        if own is None:
            notes.append(_left_out(where, quantity, "it came from a prior more than from scans"))
        else:
            found.append(Observation(patient, tissue, quantity, *own))
    return found, notes


def _own(value: Mapping[str, Any], priors: Mapping[str, Any]) -> tuple[float, float] | None:
    """ln of a curve's value and its doubt, without what priors brought; None where they led.

    The prior of the very quantity is taken off; a cause whose name is a constant is a prior.
    """
    ln, u_ln = log(value["value"]), value["u"] / value["value"]
    parts = {c: p / value["value"] for c, p in value["budget"].items() if c in priors}
    if not parts:
        return ln, u_ln
    cause, part = max(parts.items(), key=lambda row: row[1])
    prior = priors[cause]
    return without_prior(ln, u_ln, prior_part_ln=part, prior_ln=log(prior["value"]),
                         prior_sd_ln=prior["u"] / prior["value"])  # fmt: skip


def _table(file: Path) -> list[Observation]:
    """Rows of a CSV: patient, organ, quantity, value (h, or the plain share), u (or empty)."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        read = csv.DictReader(opened)
        missing = [c for c in COLUMNS if c not in (read.fieldnames or ())]
        if missing:
            raise refusal("E-PRIOR-COHORT", where=file.name,
                          problem=f"its header lacks {', '.join(missing)}")  # fmt: skip
        return [_row(row, f"{file.name}, line {n}") for n, row in enumerate(read, start=2)]


def _row(row: Mapping[str, str], where: str) -> Observation:
    try:
        value, u = float(row["value"]), float(row["u"]) if row["u"] else None
    except ValueError as error:
        raise refusal("E-PRIOR-COHORT", where=where, problem=str(error)) from None
    try:
        tissue = therapies.organ(row["organ"]).name
    except QuimbyError as error:
        raise refusal("E-PRIOR-COHORT", where=where, problem=error.what.rstrip(".")) from None
    if not row["patient"].strip():
        raise refusal("E-PRIOR-COHORT", where=where, problem="no patient is named")
    return observed(row["patient"].strip(), tissue, row["quantity"].strip(), value, u=u)
