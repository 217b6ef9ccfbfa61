"""A first mapping from the words in the headers, for a person to look at and confirm."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace

from quimby.measure.readings.mapping import IGNORED, PARTS, ColumnMap
from quimby.measure.readings.routes import LANGUAGES, Field, Route, route
from quimby.measure.readings.table import Table
from quimby.measure.readings.units import header, unit_of

TEMPLATE = "template, headers unchanged"
DATE = ("date", "datum", "day", "tag", "jour")
CLOCK = ("time", "clock", "clock time", "time of day", "uhrzeit", "zeit", "heure")
EXACT = 100
SHOWN_ROWS = 3


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A mapping not yet in force, why each column was taken, and what is still open."""

    columns: ColumnMap
    reasons: Mapping[str, str]
    questions: tuple[str, ...]


def suggest(table: Table, name: str, *, zone: str = "") -> Suggestion:
    """Columns of a table to fields of a route, by words in English, German and French.

    A column or a field that two could claim is left open and asked about. A table whose headers
    are a template's own needs no confirmation: its mapping is in force at once.
    """
    found = route(name)
    own = _own(table, found, zone)
    if own:
        return Suggestion(own, dict.fromkeys(own.columns, "header of the template"), ())
    taken, reasons, unclear = _claims(table, found)
    split = _split_moment(table, found, taken)
    columns = {h: split.get(h) or taken.get(h, IGNORED) for h in table.names}
    reasons |= dict.fromkeys(split, "date and clock in two columns")
    made = ColumnMap(name, columns, zone=zone, sheet=table.sheet, header_row=table.header[0].row)
    return Suggestion(made, reasons, (*unclear, *_missing(made, found), *_unitless(made, found)))


def shown(table: Table, columns: ColumnMap) -> str:
    """The mapping as lines to be looked at: column, field, the first three values."""
    lines = []
    for name, key in columns.columns.items():
        values = [c.text for c in table.column(name) if not c.empty][:SHOWN_ROWS]
        field = "not read" if key == IGNORED else key
        lines.append(f'"{name}" → {field}: {" · ".join(values)}')
    return "\n".join(lines)


def normal(text: str) -> str:
    """Lower-case letters and digits without accents, one space between words."""
    flat = unicodedata.normalize("NFKD", text.replace("ß", "ss").casefold())
    bare = "".join(c for c in flat if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", bare).split())


def _own(table: Table, found: Route, zone: str) -> ColumnMap | None:
    for language in LANGUAGES:
        heads = {f.called(language): f.key for f in found.fields}
        needed = {f.called(language) for f in found.fields if f.required}
        if needed <= set(table.names) <= set(heads):
            columns = {h: heads[h] for h in table.names}
            return ColumnMap(found.id, columns, zone=zone, sheet=table.sheet,
                             header_row=table.header[0].row, confirmed_by=TEMPLATE)  # fmt: skip
    return None


def _claims(table: Table, found: Route) -> tuple[dict[str, str], dict[str, str], tuple[str, ...]]:
    """The best column for each field, where there is one best, the surest claims first."""
    scored = {(h, f.key): s for h in table.names for f in found.fields if (s := _score(h, f))}
    taken: dict[str, str] = {}
    reasons: dict[str, str] = {}
    unclear: list[str] = []
    for score in sorted(set(scored.values()), reverse=True):
        free = [c for c, s in scored.items()
                if s == score and c[0] not in reasons and c[1] not in taken.values()]  # fmt: skip
        for name, key in free:
            rivals = [c for c in free if (c[0] == name) != (c[1] == key)]
            if rivals:
                unclear.append(_rivalry(name, key, rivals))
                reasons.setdefault(name, "")
            else:
                taken[name] = key
                reasons[name] = f"the words of {key}"
    return taken, {h: r for h, r in reasons.items() if r}, tuple(dict.fromkeys(unclear))


def _rivalry(name: str, key: str, rivals: list[tuple[str, str]]) -> str:
    heads = sorted({name, *(h for h, _ in rivals)})
    keys = sorted({key, *(k for _, k in rivals)})
    listed = " or ".join(f'"{h}"' for h in heads)
    return f"Is {listed} the column for {' or '.join(keys)}?"


def _score(name: str, field: Field) -> int:
    """How well a header fits a field: 100 for its very words, less for some of them."""
    head = header(name, () if field.plain else field.kinds)
    if _other_kind(name, head.unit, field):
        return 0
    words = normal(head.words) or normal(name)
    known = {normal(w) for w in (*field.header.values(), *field.words, field.key)}
    fits = 5 if head.unit and not field.plain else 0
    if words in known or normal(name) in known:
        return EXACT + fits
    inside = [k for k in known if len(k) > 2 and f" {k} " in f" {words} "]
    return 10 * max((len(k.split()) for k in inside), default=0) + (fits if inside else 0)


def _other_kind(name: str, written: str, field: Field) -> bool:
    """Whether the header's unit, in brackets, is one that the field cannot have."""
    inside = header(name).unit if field.plain else written
    bracketed = re.search(rf"[\[(]\s*{re.escape(inside)}\s*[\])]", name) if inside else None
    if not bracketed or unit_of(inside) is None:
        other = header(name)
        return bool(not field.plain and re.search(r"[\[(]", name) and unit_of(other.unit)
                    and not unit_of(other.unit, field.kinds))  # fmt: skip
    return field.plain or unit_of(inside, field.kinds) is None


def _split_moment(table: Table, found: Route, taken: Mapping[str, str]) -> dict[str, str]:
    """Date and clock in two columns, for the moment that the route hangs on."""
    on = [h for h in table.names if normal(h) in DATE]
    clock = [h for h in table.names if normal(h) in CLOCK]
    if not found.at or len(on) != 1 or len(clock) != 1:
        return {}
    others = {h for h, key in taken.items() if key == found.at} - {on[0], clock[0]}
    return {} if others else {on[0]: f"{found.at}.{PARTS[0]}", clock[0]: f"{found.at}.{PARTS[1]}"}


def _missing(made: ColumnMap, found: Route) -> list[str]:
    needed = [f.key for f in found.fields if f.required and made.of(f.key) is None]
    return [f"Which column is {key}?" for key in needed if made.of(f"{key}.date") is None]


def _unitless(made: ColumnMap, found: Route) -> list[str]:
    """Columns that will be read as quantities, and do not say in what."""
    out = []
    for name, key in made.columns.items():
        if key in found.keys and not found.field(key).plain:
            field = found.field(key)
            if not unit_of(header(name, field.kinds).unit, field.kinds):
                out.append(f'In what unit is "{name}" ({" or ".join(field.kinds)})?')
    return out


def with_answers(suggestion: Suggestion, **answers: object) -> ColumnMap:
    """The suggested mapping with what a person answered (any field of `ColumnMap`)."""
    return replace(suggestion.columns, **answers)  # type: ignore[arg-type]
