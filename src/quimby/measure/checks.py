"""Is it one patient, lying as said, given what was said, with left on the left?

Each check refuses by name what would give a wrong dose, and hands back notes for the rest.
Keys of the mappings say where a value stands (a file or series), for the message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from itertools import product

from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid
from quimby.core.notes import Note, note, refusal
from quimby.core.time import aware
from quimby.measure.dicom.times import hours_post_injection
from quimby.measure.scans import Identity
from quimby.physics.nuclides import canonical

WEIGHT_LIMIT = 0.10  # [P] of the weight; more is another patient or a typing error
NAMES_ALIKE = 0.6  # [P] likeness of two names, 0 to 1, above which it may be spelling
FACING = 0.7  # cosine; a row this close to an axis counts as running along it
SIDES = {
    "left": "left", "l": "left", "lt": "left", "li": "left", "links": "left", "linke": "left",
    "sin": "left", "gauche": "left", "sinistra": "left", "izquierdo": "left",
    "right": "right", "r": "right", "rt": "right", "re": "right", "rechts": "right",
    "rechte": "right", "dex": "right", "droite": "right", "droit": "right", "destra": "right",
    "derecho": "right",
}  # fmt: skip
ORGANS = {
    "liver": "liver", "leber": "liver", "foie": "liver", "spleen": "spleen", "milz": "spleen",
    "rate": "spleen", "kidney": "kidney", "niere": "kidney", "rein": "kidney", "renal": "kidney",
}  # fmt: skip
# Of two organs the first lies farther to the patient's left.
LEFT_OF = (
    (("spleen", ""), ("liver", "")),
    (("kidney", "left"), ("liver", "")),
    (("spleen", ""), ("kidney", "right")),
    (("kidney", "left"), ("kidney", "right")),
)
# Signs of (row . x, column . y) that a console writes for axial slices of a position.
NATIVE = {"HFS": (1, 1), "FFS": (-1, 1), "HFP": (-1, -1), "FFP": (1, -1)}


def same_patient(identities: Mapping[str, Identity]) -> tuple[Note, ...]:
    """All files are of one patient, as far as they say.

    E-PAT-TWO for two patient IDs; E-PAT-CONFLICT for sexes or birth dates that differ, weights
    more than 10 % apart, or names that are no spelling of one another. W-PAT-NAME for
    spellings, W-PAT-NO-ID for a file without ID.
    """
    ids = _where_each(identities, lambda who: who.patient_id)
    if len(ids) > 1:
        raise refusal("E-PAT-TWO", where=_places(ids), number=len(ids), found=_said(ids))
    for field, key, read in FIELDS:
        found = _where_each(identities, read)
        if len(found) > 1:
            raise refusal(
                "E-PAT-CONFLICT", where=_places(found), field=field, found=_said(found), key=key
            )
    _one_weight(identities)
    nameless = (
        note("W-PAT-NO-ID", where=at) for at, who in identities.items() if not who.patient_id
    )
    return _one_name(identities) + (tuple(nameless) if ids else ())


FIELDS: tuple[tuple[str, str, Callable[[Identity], str]], ...] = (
    ("sex", "sex", lambda who: who.sex),
    ("date of birth", "birth_date", lambda who: who.birth_date),
)


def _where_each(
    identities: Mapping[str, Identity], read: Callable[[Identity], str]
) -> dict[str, list[str]]:
    """Each value that is said, with the places that say it."""
    found: dict[str, list[str]] = {}
    for where, who in identities.items():
        if said := read(who):
            found.setdefault(said, []).append(where)
    return found


def _said(found: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{value} in {_few(places)}" for value, places in found.items())


def _places(found: Mapping[str, Sequence[str]]) -> str:
    return _few([places[0] for places in found.values()])


def _few(places: Sequence[str]) -> str:
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return ", ".join(places[:3]) + more


def _one_weight(identities: Mapping[str, Identity]) -> None:
    said = {at: who.weight_kg for at, who in identities.items() if who.weight_kg}
    if not said:
        return
    light, heavy = (
        min(said, key=lambda at: said[at] or 0.0),
        max(said, key=lambda at: said[at] or 0.0),
    )
    low, high = said[light] or 0.0, said[heavy] or 0.0
    if high - low > WEIGHT_LIMIT * low:
        found = f"{low:g} kg in {light}; {high:g} kg in {heavy}"
        where = f"{light}, {heavy}"
        raise refusal("E-PAT-CONFLICT", where=where, field="weight", found=found, key="weight")


def _one_name(identities: Mapping[str, Identity]) -> tuple[Note, ...]:
    found = _where_each(identities, lambda who: who.name)
    plain = {name: sorted(re.findall(r"\w+", name.casefold())) for name in found}
    if len({tuple(words) for words in plain.values()}) < 2:
        return ()
    first, *others = plain
    for other in others:
        if not _alike(plain[first], plain[other]):
            places = {name: found[name] for name in (first, other)}
            raise refusal(
                "E-PAT-CONFLICT",
                where=_places(places),
                field="name",
                found=_said(places),
                key="name",
            )
    return (note("W-PAT-NAME", where=_places(found), number=len(found), found=_said(found)),)


def _alike(one: Sequence[str], other: Sequence[str]) -> bool:
    likeness = SequenceMatcher(None, " ".join(one), " ".join(other)).ratio()
    return bool(set(one) & set(other)) or likeness >= NAMES_ALIKE


def positions(lying: Mapping[str, tuple[str, Grid]]) -> tuple[Note, ...]:
    """Each scan lies as its patient position says, and all lie alike.

    `lying` gives the position (HFS, FFS, HFP, FFP, …) and grid by place. Geometry is always
    read from orientation and position vectors, never from the patient position; this only
    finds headers that contradict themselves (S-PAT-POSITION) and positions that differ
    (W-PAT-POSITION). Oblique grids and decubitus positions are not judged.
    """
    notes = [
        found for at, (said, grid) in lying.items() for found in _contradiction(at, said, grid)
    ]
    named = {at: said for at, (said, _) in lying.items() if said}
    usual = next(iter(named.values()), "")
    for at, said in named.items():
        if said != usual:
            notes.append(note("W-PAT-POSITION", where=at, position=said, other=usual))
    return tuple(notes)


def _contradiction(at: str, position: str, grid: Grid) -> tuple[Note, ...]:
    directions = grid.affine[:3, :3] / grid.spacing_mm
    rows, columns = float(directions[0, 0]), float(directions[1, 1])
    if position not in NATIVE or min(abs(rows), abs(columns)) < FACING:
        return ()
    signs = (1 if rows > 0 else -1, 1 if columns > 0 else -1)
    if signs in (NATIVE[position], (1, 1)):
        return ()
    words = {"rows": "left" if rows > 0 else "right", "columns": "back" if columns > 0 else "front"}
    return (
        note(
            "S-PAT-POSITION", where=at, position=position,
            rows=f"to the {words['rows']}", columns=f"to the {words['columns']}",
        ),
    )  # fmt: skip


def nuclide_agrees(administered: str, scanned: Mapping[str, str]) -> tuple[Note, ...]:
    """Every scan shows the nuclide that was given.

    E-PAT-NUCLIDE for another one, W-PAT-NUCLIDE for a file that does not say.
    """
    given = canonical(administered)
    notes = []
    for at, said in scanned.items():
        if not said:
            notes.append(note("W-PAT-NUCLIDE", where=at, administered=given))
        elif _known(said) != given:
            raise refusal("E-PAT-NUCLIDE", where=at, scanned=said, administered=given)
    return tuple(notes)


def _known(said: str) -> str:
    try:
        return canonical(said)
    except QuimbyError:
        return said


def after_administration(
    administered_at: datetime | str, acquired: Mapping[str, datetime], *, zone: str | None = None
) -> dict[str, float]:
    """Hours from administration to each scan.

    Times without offset take `zone` (IANA name), else E-TIME-ZONE. E-DCM-TIME for a scan before
    the administration or more than 30 d after it.
    """
    start = aware(administered_at, where="administration", zone=zone)
    return {
        at: hours_post_injection(start, aware(moment, where=at, zone=zone), where=at)
        for at, moment in acquired.items()
    }


def sides(centroids: Mapping[str, Sequence[float]]) -> None:
    """Left is on the patient's left: LPS x grows to the left.

    `centroids` are LPS mm by the region's name; sides and organs are read from the names
    ("Kidney_L", "kidney left", "Niere rechts", "Liver"). Regions of unknown name are passed
    over, pairs of any organ are compared. E-PAT-SIDES where a left one lies to the right.
    """
    known = {name: _place_in_body(name) for name in centroids}
    for left, right in product(centroids, repeat=2):
        if _belongs_left(known[left], known[right]):
            apart = float(centroids[right][0]) - float(centroids[left][0])
            if apart > 0:
                where = "outlines and images"
                raise refusal("E-PAT-SIDES", where=where, left=left, right=right, mm=f"{apart:.0f}")


def _place_in_body(name: str) -> tuple[str, str]:
    """(organ or stem of the name, side) of a region's name."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = [word.casefold() for word in re.findall(r"[^\W\d_]+|\d+", spaced)]
    side = next((SIDES[word] for word in words if word in SIDES), "")
    plain = [word for word in words if word not in SIDES]
    organs = [ORGANS[w] for word in plain for w in (word, word.rstrip("sn")) if w in ORGANS]
    whole = len(plain) == 1 and organs
    return organs[0] if whole else " ".join(plain), side


def _belongs_left(one: tuple[str, str], other: tuple[str, str]) -> bool:
    if (one, other) in LEFT_OF:
        return True
    pair = one[0] == other[0] and bool(one[0])
    return pair and one[1] == "left" and other[1] == "right"
