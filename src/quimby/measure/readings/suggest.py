"""A first mapping from the words in the headers, for a person to look at and confirm."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace

from quimby.measure.readings.mapping import IGNORED, PARTS, ColumnMap, missing
from quimby.measure.readings.numbers import number_and_unit
from quimby.measure.readings.routes import LANGUAGES, Field, Route, route
from quimby.measure.readings.table import Table
from quimby.measure.readings.units import header, unit_of

TEMPLATE = "template, headers unchanged"
DATE = ("date", "datum", "day", "tag", "jour")
CLOCK = ("time", "clock", "clock time", "time of day", "uhrzeit", "zeit", "heure")
EXACT = 100
SHOWN_ROWS = 3


@dataclass(frozen=True, slots=True)
class Question:
    """What only a person knows. `about` is the key of the answer ("map", "unit", "zone",
    "decimal", "date_order", "accept"), `example` an answer as it is written."""

    asks: str
    about: str
    example: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A mapping not yet in force, why each column was taken, and what is still open."""

    columns: ColumnMap
    reasons: Mapping[str, str]
    questions: tuple[Question, ...]


def suggest(
    table: Table, name: str, *, zone: str = "", given: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> Suggestion:  # fmt: skip
    """Columns of a table to fields of a route, by words in English, German and French.

    A column or a field that two could claim is left open and asked about. `given` (column to
    field) and `units` are what a person said already. A table whose headers are a template's own
    needs no confirmation: its mapping is in force at once.
    """
    found, said, named = route(name), dict(given or {}), dict(units or {})
    own = _own(table, found, zone)
    if own and not said and not named:
        return Suggestion(own, dict.fromkeys(own.columns, "header of the template"), ())
    taken, reasons, unclear = _claims(table, found, said)
    split = _split_moment(table, found, taken | said)
    columns = {h: split.get(h) or taken.get(h, IGNORED) for h in table.names} | said
    reasons |= dict.fromkeys(split, "date and clock in two columns") | dict.fromkeys(said, "said")
    made = ColumnMap(name, columns, named, zone=zone, sheet=table.sheet,
                     header_row=table.header[0].row)  # fmt: skip
    return Suggestion(made, reasons, (*unclear, *_missing(made), *_unitless(table, made)))


def shown(table: Table, columns: ColumnMap) -> str:
    """The mapping as lines to be looked at: column, field, the first three values."""
    lines = []
    for name, key in columns.columns.items():
        cells = table.column(name) if name in table.names else ()
        values = [c.text for c in cells if not c.empty][:SHOWN_ROWS]
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


def _claims(
    table: Table, found: Route, said: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str], tuple[Question, ...]]:
    """The best column for each field, where there is one best, the surest claims first."""
    settled = {key.partition(".")[0] for key in said.values()}
    scored = {(h, f.key): s for h in table.names for f in found.fields
              if h not in said and f.key not in settled and (s := _score(h, f))}  # fmt: skip
    taken: dict[str, str] = {}
    reasons: dict[str, str] = {}
    unclear: list[Question] = []
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


def _rivalry(name: str, key: str, rivals: list[tuple[str, str]]) -> Question:
    heads = sorted({name, *(h for h, _ in rivals)})
    keys = sorted({key, *(k for _, k in rivals)})
    listed = " or ".join(f'"{h}"' for h in heads)
    asks = f"Is {listed} the column for {' or '.join(keys)}?"
    return Question(asks, "map", f"{heads[0]}={keys[0]}")


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


def _missing(made: ColumnMap) -> list[Question]:
    return [Question(f"Which column is {f.key}?", "map", f"COLUMN={f.key}") for f in missing(made)]


def _unitless(table: Table, made: ColumnMap) -> list[Question]:
    """Columns that will be read as quantities, where neither header nor cells say in what."""
    out = []
    for name, key in made.columns.items():
        field = next((f for f in route(made.route).fields if f.key == key and not f.plain), None)
        if field is None or name not in table.names or _has_unit(table, made, name, field):
            continue
        asks = f'In what unit is "{name}" ({" or ".join(field.kinds)})?'
        out.append(Question(asks, "unit", f"{name}={field.unit}"))
    return out


def _has_unit(table: Table, made: ColumnMap, name: str, field: Field) -> bool:
    of_column = header(name, field.kinds).unit or made.units.get(name, "")
    if unit_of(of_column, field.kinds) or unit_of(made.units.get(name, ""), field.kinds):
        return True
    bare = [c for c in table.column(name) if not (c.empty or c.unit or number_and_unit(c.text)[1])]
    return not bare and any(not c.empty for c in table.column(name))


def with_answers(suggestion: Suggestion, **answers: object) -> ColumnMap:
    """The suggested mapping with what a person answered (any field of `ColumnMap`)."""
    return replace(suggestion.columns, **answers)  # type: ignore[arg-type]
