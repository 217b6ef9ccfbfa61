"""Therapies: one declaration each, in a folder that is its own registry."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from quimby.core.notes import refusal
from quimby.core.source import Constant
from quimby.effect.bed import Tissue
from quimby.protocols.document import first_fault

FOLDER = files("quimby.therapies").joinpath("data")


class Part(BaseModel):
    """A frozen part of a declaration; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sourced(Part):
    """A number with its doubt, source and evidence tag."""

    value: float
    source: Annotated[str, Field(min_length=3)]
    tag: Literal["V", "D", "M", "P"]
    u: Annotated[float, Field(ge=0)] = 0.0


class Radiobiology(Part):
    """Constants of one tissue. `called` names it where another therapy's has other values."""

    alpha_beta_gy: Sourced
    repair_half_time_h: Sourced
    called: str = ""


class Therapy(Part):
    """One therapy: what is given, which organs count, which constants hold."""

    id: str
    title: str
    nuclide: str
    agents: Annotated[tuple[str, ...], Field(min_length=1)]
    population: str
    limits: str = ""
    organs_at_risk: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    tissue: Mapping[str, Radiobiology] = Field(default_factory=dict)
    tracers: tuple[str, ...] = ()  # nuclides whose readings foretell the therapy's
    plan: Literal["thyroid", "blood and retention", "two stages", ""] = ""

    def tissue_of(self, organ: str) -> Tissue | None:
        """Radiobiology of an organ (canonical name), or None: then no BED is given."""
        row = self.tissue.get(organ)
        if row is None:
            return None
        name = row.called or organ
        return Tissue(
            name,
            _constant(f"alpha/beta {name}", "Gy", row.alpha_beta_gy),
            _constant(f"repair half-time {name}", "h", row.repair_half_time_h),
        )

    def is_agent(self, text: str) -> bool:
        """Whether a file's or person's name of a radiopharmaceutical is this one."""
        return plain(text) in {plain(agent) for agent in self.agents}


def _constant(name: str, unit: str, row: Sourced) -> Constant:
    return Constant(name, row.value, unit, row.source, row.tag, row.u)


def plain(text: str) -> str:
    """Letters and figures only, in small letters."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def names() -> list[str]:
    """Ids of the therapies. The folder is the registry."""
    found = (f.name for f in FOLDER.iterdir())
    return sorted(n[:-5] for n in found if n.endswith(".toml") and not n.startswith("organ"))


@cache
def load(name: str) -> Therapy:
    """The therapy of this id ("lu177-dotatate"); E-THERAPY, or E-THERAPY-FILE when broken."""
    if name not in names():
        raise refusal("E-THERAPY", where="therapies", name=name, known=", ".join(names()))
    return read(FOLDER.joinpath(f"{name}.toml").read_text("utf-8"), where=f"{name}.toml")


def read(text: str, *, where: str) -> Therapy:
    """A therapy from TOML text; E-THERAPY-FILE names the key and what is wrong."""
    try:
        return Therapy.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise refusal("E-THERAPY-FILE", where=where, key="TOML", why=error) from None
    except ValidationError as error:
        key, why = first_fault(error)
        raise refusal("E-THERAPY-FILE", where=f"{where}, {key}", key=key, why=why) from None


def find(agent: str) -> Therapy:
    """The therapy with this agent, as a file writes it; E-THERAPY when none has it."""
    for name in names():
        if load(name).is_agent(agent):
            return load(name)
    raise refusal("E-THERAPY", where="radiopharmaceutical", name=agent, known=", ".join(names()))
