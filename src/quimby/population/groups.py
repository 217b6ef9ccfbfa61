"""Groups of patients that published rows tell apart, and which a patient may belong to."""

from __future__ import annotations

from collections.abc import Collection

from quimby.core.notes import refusal

KINDS: dict[str, dict[str, str]] = {
    "history": {
        "first": "before the first radioiodine",
        "later": "after earlier radioiodine",
    },
    "preparation": {
        "THW": "thyroid hormone withdrawn",
        "rhTSH": "recombinant human TSH",
    },
    "sex": {"F": "women", "M": "men"},
    "age": {"child": "children", "adult": "adults"},
    "uptake": {
        "uptake 5 %": "thyroid uptake 5 %",
        "uptake 15 %": "thyroid uptake 15 %",
        "uptake 25 %": "thyroid uptake 25 %",
    },
}
"""Kind -> word -> how a person says it. Words of one kind exclude each other."""

_KIND_OF = {word: kind for kind, words in KINDS.items() for word in words}


def read(text: str) -> tuple[str, ...]:
    """The words of a row's group, "THW; F"; E-POP-GROUP for one that is not known."""
    words = tuple(part.strip() for part in text.split(";") if part.strip())
    _check(words)
    return words


def fits(cohort: Collection[str], patient: Collection[str]) -> bool:
    """True unless the cohort says something else than is known of the patient.

    E-POP-GROUP for an unknown word, E-POP-GROUP-TWO where two exclude each other.
    """
    _check(patient)
    known: dict[str, str] = {}
    for word in sorted(patient):
        if word != known.setdefault(_KIND_OF[word], word):
            raise refusal("E-POP-GROUP-TWO", where="population", kind=_KIND_OF[word],
                          one=known[_KIND_OF[word]], other=word)  # fmt: skip
    return all(known.get(_KIND_OF[word], word) == word for word in cohort)


def said(words: Collection[str]) -> str:
    """A group as a person says it, "thyroid hormone withdrawn, women"; "" for all patients."""
    return ", ".join(KINDS[_KIND_OF[word]][word] for word in words)


def _check(words: Collection[str]) -> None:
    for word in words:
        if word not in _KIND_OF:
            raise refusal("E-POP-GROUP", where="population", word=word, known=list(_KIND_OF))
