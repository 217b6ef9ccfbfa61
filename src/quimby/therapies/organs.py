"""Which organ, and which side, an outline's name means."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from quimby.core.notes import refusal

SIDED = ("kidney", "lung", "parotid", "submandibular", "lacrimal", "adrenal", "salivary")
FILLERS = {"organ", "roi", "voi", "seg", "the", "of", "de", "du", "le", "la", "und", "and", "et",
           "ct", "spect", "final", "whole", "nativ", "total"}  # fmt: skip
WITHOUT = {"without", "ohne", "sans", "sine", "minus", "excl", "excluding", "hors", "wo"}
FREE = {"free", "frei", "freie", "exclu", "excluded"}


@dataclass(frozen=True, slots=True)
class Organ:
    """A canonical organ and side."""

    name: str  # "kidney"
    side: str = ""  # "left", "right", "both" or ""


@cache
def _names() -> tuple[dict[str, str], dict[str, str], dict[str, Organ]]:
    path = files("quimby.therapies").joinpath("data", "organ_names.toml")
    rows = tomllib.loads(path.read_text("utf-8"))
    organs = {word: name for name, words in rows["organ"].items() for word in words}
    sides = {word: side for side, words in rows["side"].items() for word in words}
    return organs, sides, {word: Organ(*pair) for word, pair in rows["short"].items()}


def known() -> list[str]:
    """Canonical organ names."""
    return sorted(set(_names()[0].values()))


def words_of(name: str) -> list[str]:
    """An outline's name as plain words: no accents, case, signs, numbers or fillers.

    "KidneyLeft" and "Kidney_L" both come apart; "L2-L4" stays whole.
    """
    apart = re.sub(r"(?<=[a-zäöü])(?=[A-Z])", " ", name)
    plain = unicodedata.normalize("NFKD", apart.replace("ß", "ss"))
    plain = "".join(c for c in plain if not unicodedata.combining(c)).lower()
    found = re.findall(r"[a-z]+\d*|\d+", plain)
    if any(re.fullmatch(r"l[1-5]", w) for w in found):
        return [w for w in found if w not in FILLERS]
    stripped = [re.sub(r"\d+$", "", w) for w in found]
    return [w for w in stripped if w and w not in FILLERS]


def organ(name: str) -> Organ:
    """Canonical organ and side of an outline's name, in English, German, French or Latin.

    Raises E-ORGAN-NAME for an unknown one, with the nearest known; E-ORGAN-SIDE where both
    sides are named. A guess is never taken: near is not enough.
    """
    organs, sides, short = _names()
    words = _without_what_is_left_out(words_of(name), organs)
    if len(words) == 1 and words[0] in short:
        return short[words[0]]
    found = _organ_of(words, organs)
    if found is None:
        near = get_close_matches(" ".join(words), [*organs, *short], n=3, cutoff=0.5)
        near = list(dict.fromkeys(organs.get(w) or short[w].name for w in near))
        raise refusal("E-ORGAN-NAME", where=f"outline {name!r}", name=name,
                      near=", ".join(near) or ", ".join(known()))  # fmt: skip
    canonical, rest = found
    if canonical == "lesion":
        return Organ("lesion")
    said = {sides[w] for w in rest if w in sides}
    if {"left", "right"} <= said and "both" not in said:
        raise refusal("E-ORGAN-SIDE", where=f"outline {name!r}", name=name)
    side = "both" if "both" in said else next(iter(said), "")
    return Organ(canonical, side if canonical in SIDED else "")


def _without_what_is_left_out(words: list[str], organs: dict[str, str]) -> list[str]:
    """ "Liver without lesions" and "tumour-free liver" mean the liver."""
    cut = next((i for i, w in enumerate(words) if w in WITHOUT), len(words))
    if cut == len(words) and FREE & set(words):
        return [w for w in words if w not in FREE and organs.get(w) != "lesion"]
    return words[:cut]


def _organ_of(words: list[str], organs: dict[str, str]) -> tuple[str, list[str]] | None:
    """The organ that some run of words names, and the other words.

    A lesion wins over the organ it lies in ("Leber Metastase 3"); else every word must be
    known, so that "kidney cyst" or "perirenal" is asked about.
    """
    lesions = [w for w in words if organs.get(w) == "lesion"]
    if lesions:
        return "lesion", []
    sides = _names()[1]
    for length in range(len(words), 0, -1):
        for start in range(len(words) - length + 1):
            run = organs.get(" ".join(words[start : start + length]))
            rest = words[:start] + words[start + length :]
            if run and all(w in sides for w in rest):
                return run, rest
    return None
