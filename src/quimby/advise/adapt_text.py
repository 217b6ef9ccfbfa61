"""Changes to the text of a document (TOML), line by line, so that comments and order stay."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

LONG = 90  # columns
HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """(header, lines) of every part of a document, the head first with the header "".

    A comment right above a header belongs to it. Joined again they are the text.
    """
    name, lines, above = "", list[str](), list[str]()
    depth = 0
    for line in text.splitlines(keepends=True):
        found = HEADER.match(line) if depth == 0 else None
        if found:
            yield name, "".join(lines)
            name, lines, above = found[2], [*above, line], []
        elif depth == 0 and (line.startswith("#") or (above and not line.strip())):
            above.append(line)
        else:
            lines += [*above, line]
            above = []
            depth += _opened(line)
    yield name, "".join([*lines, *above])


def _opened(line: str) -> int:
    """Brackets that a line leaves open, those in strings and comments not counted."""
    bare = re.sub(r'"(\\.|[^"\\])*"|\'[^\']*\'', "", line).partition("#")[0]
    return bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}")


def edited(text: str, change: Callable[[str, str], str]) -> str:
    """The text with every part replaced by what `change` makes of (header, lines)."""
    return "".join(change(name, lines) for name, lines in blocks(text))


def with_key(lines: str, key: str, value: Any, *, after: str = "") -> str:
    """Lines of one part with a key set: in its place; a new one behind `after`, or the last key.

    A comment behind the old value stays; a value of several lines is replaced whole.
    """
    rows = lines.splitlines(keepends=True)
    first = next((i for i, row in enumerate(rows) if re.match(rf"{re.escape(key)}\s*=", row)), None)
    written = f"{key} = {_broken(value)}"
    if first is None:
        behind = [i for i, row in enumerate(rows) if after and re.match(rf"{after}\s*=", row)]
        keys = [i for i, row in enumerate(rows) if row.strip() and not row.startswith("#")]
        at = (behind or keys or [len(rows) - 1])[-1] + 1
        if at and not rows[at - 1].endswith("\n"):
            rows[at - 1] += "\n"
        return "".join([*rows[:at], written + "\n", *rows[at:]])
    last, depth = first, _opened(rows[first])
    while depth > 0:
        last += 1
        depth += _opened(rows[last])
    said = _comment(rows[first]) if last == first else ""
    return "".join([*rows[:first], written + said + "\n", *rows[last + 1 :]])


def _comment(row: str) -> str:
    bare = re.sub(r'"(\\.|[^"\\])*"', lambda m: "x" * len(m[0]), row.rstrip("\n"))
    at = bare.find("#")
    if at < 0:
        return ""
    return row.rstrip("\n")[len(bare[:at].rstrip()) :]


def dropped(lines: str) -> str:
    """What is left of a part that is taken out: comments above it, set off by an empty line."""
    above = lines[: lines.index("[")]
    return above[: above.rindex("\n\n") + 2] if "\n\n" in above else ""


def value_of(lines: str, key: str) -> str | None:
    """A key's value as it is written, of one line; None where the part has no such key."""
    found = re.search(rf"^{re.escape(key)}\s*=\s*(.*)$", lines, re.MULTILINE)
    return None if found is None else found[1].strip()


def _broken(value: Any) -> str:
    """A long list of texts over several lines, everything else in one."""
    line = toml(value)
    if (
        len(line) <= LONG
        or not isinstance(value, list)
        or not all(isinstance(v, str) for v in value)
    ):
        return line
    return "[\n" + "".join(f"    {toml(v)},\n" for v in value) + "]"


def toml(value: Any) -> str:
    """A value as TOML: text, number, truth, day, list or table in one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (int, float)):
        return str(round(value, 6)) if isinstance(value, float) else str(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, Sequence):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    return str(value)  # a day


def table(header: str, rows: Mapping[str, Any], *, many: bool = True) -> str:
    """A part of its own: `[[header]]` and its keys, with an empty line after it."""
    ends = ("[[", "]]") if many else ("[", "]")
    keys = "".join(f"{key} = {toml(value)}\n" for key, value in rows.items())
    return f"{ends[0]}{header}{ends[1]}\n{keys}\n"
