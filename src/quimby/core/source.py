"""Constants that carry where they came from and how far they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

TAGS = {
    "V": "seen in the published source",
    "D": "derived here, the algebra is in the docs",
    "M": "from memory of the literature, not checked here",
    "P": "house policy, a centre may set its own",
}


@dataclass(frozen=True, slots=True)
class Constant:
    """A number used in a calculation, with its source and evidence tag (V, D, M or P)."""

    name: str
    value: float
    unit: str
    source: str
    tag: str
    u: float = 0.0  # standard uncertainty, unit of `value`

    def __post_init__(self) -> None:
        if self.tag not in TAGS:
            raise ValueError(f"{self.name}: evidence tag {self.tag!r} is none of {sorted(TAGS)}")

    @property
    def verified(self) -> bool:
        """False for [M]: such a value is marked on every report that rests on it."""
        return self.tag != "M"
