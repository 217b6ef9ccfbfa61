"""What `quimby protocol simulate` prints: expected doubt by component, the curve's simulated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quimby import protocols
from quimby.advise.anchors import Held, anchors, held
from quimby.advise.restate import restated
from quimby.advise.simulate import Simulated, other_components, simulate
from quimby.cli.protocols_shown import row
from quimby.cli.terminal import console, print_json
from quimby.protocols import Protocol
from quimby.protocols.practice import Expected

NAME = 30


@dataclass(frozen=True, slots=True)
class Asked:
    """How to simulate."""

    patients: int
    seed: int
    region: str = ""
    exact: bool = False


def simulate_job(name: str, asked: Asked, *, write: bool, as_json: bool, on: dt.date) -> int:
    """Simulate one protocol, or all in a table; returns the exit code."""
    if not name:
        return _all(asked, as_json=as_json)
    made = _simulated(protocols.called(name), asked)
    if as_json:
        print_json(plain(made))
    else:
        for text in lines(made):
            console().print(text, markup=False)
    if write:
        path = Path(name)
        path.write_text(restated(path.read_text("utf-8"), made, name=path.stem, on=on), "utf-8")
        console(stderr=True).print(f"Written to {name}", markup=False)
    return 0


def _simulated(protocol: Protocol, asked: Asked) -> Simulated:
    return simulate(protocol, patients=asked.patients, seed=asked.seed, region=asked.region,
                    exact=asked.exact)  # fmt: skip


def _all(asked: Asked, *, as_json: bool) -> int:
    made = (_simulated(protocols.load(n), asked) for n in protocols.names())
    if as_json:
        print_json([plain(m) for m in made])
        return 0
    to = console()
    to.print(f"{'Protocol':<15}{'Curve':>16}{'Total':>9}{'Document':>10}{'Held to':>9}  Of",
             markup=False)  # fmt: skip
    for one in made:
        to.print(_listed(one), markup=False)
    to.print(f"{asked.patients} patients each, k = 1. Held to: published or planning figure, "
             "quimby protocol simulate ID says which.", markup=False)  # fmt: skip
    return 0


def _listed(made: Simulated) -> str:
    expected = made.protocol.uncertainty
    stated = percent(expected.u_rel) if expected else "?"
    total = percent(made.total) if made.total is not None else "?"
    others = expected.published if expected else ()
    published = percent(others[0].u) if others else ""
    curve = f"{percent(made.u_rel)} ± {percent(made.u_mc)}"
    on = expected.on if expected else ""
    return f"{made.protocol.id:<15}{curve:>16}{total:>9}{stated:>10}{published:>9}  {on}"


def lines(made: Simulated) -> Iterator[str]:
    """A simulation for a terminal, at most 96 columns."""
    p, people = made.protocol, made.population
    expected = p.uncertainty
    size = f"{people.n} published patients" if people.n else "no patients needed"
    on = expected.on if expected else ""
    yield f"{p.id} {p.version}: {on}, {made.patients} simulated patients"
    yield from row("Whose", f"{made.region} of {people.id}, {size} [{people.tag}]: {people.source}")
    curve = f"± {percent(made.u_rel)}, known to {percent(made.u_mc)}"
    of = expected.simulated if expected else None
    beside = f"; the document says {percent(of.u)}" if of and not _other(made) else ""
    yield from row("Curve", f"{curve}: bias {made.bias:+.1%}, scatter {percent(made.scatter)}; "
                   f"{percent(made.share_off(0.10))} of patients are off by more than 10 %, "
                   f"{percent(made.share_off(0.30))} by more than 30 %{beside}")  # fmt: skip
    for code, many in made.refused.items():
        yield from row("Refused", f"{many} of {made.patients} with {code}")
    yield from _components(made)


def _other(made: Simulated) -> bool:
    """Whether another region than the document's was simulated."""
    expected = made.protocol.uncertainty
    return expected is None or made.region != expected.region


def _components(made: Simulated) -> Iterator[str]:
    expected, others = made.protocol.uncertainty, other_components(made.protocol)
    if _other(made) or expected is None or others is None:
        return
    for i, c in enumerate(others):
        yield from row("Others" if i == 0 else "", f"{percent(c.u)}  {c.name} [{c.tag}]")
    yield from _totals(made, expected)


def _totals(made: Simulated, expected: Expected) -> Iterator[str]:
    total = made.total or 0.0
    yield from row("Total", f"± {percent(total)} (k = 1); the document says "
                   f"± {percent(expected.u_rel)}")  # fmt: skip
    for one in expected.published:
        ratio = total / one.u - 1
        yield from row("Held to", f"± {percent(one.u)}, {one.what}: {one.source} [{one.tag}]; "
                       f"{ratio:+.0%}")  # fmt: skip
        if one.why:
            yield from row("", one.why)


def anchors_job(asked: Asked, *, as_json: bool) -> int:
    """Published figures beside the simulated ones; returns the exit code."""
    rows = [held(a, patients=asked.patients, seed=asked.seed) for a in anchors()]
    if as_json:
        print_json([_plain_anchor(r) for r in rows])
        return 0
    for text in anchor_lines(rows):
        console().print(text, markup=False)
    return 0


def anchor_lines(rows: list[Held]) -> Iterator[str]:
    """The table of anchors."""
    yield (f"{'Figure':<50}{'Published':>10}{'Simulated':>11}{'':>7}  {'Bias':>7} {'Scatter':>8}")
    for one in rows:
        s, a = one.simulated, one.anchor
        told = f"{a.what}, {a.of}"
        yield (f"{told:<50}{percent(a.u):>10}{percent(one.u_rel):>11}"
               f"{one.u_rel / a.u - 1:>+7.0%}  {s.bias:>+7.1%} "
               f"{percent(s.scatter):>8}")  # fmt: skip
    for one in rows:
        if one.anchor.why:
            yield from row("Why", f"{one.anchor.what}: {one.anchor.why}")


def _plain_anchor(one: Held) -> dict[str, Any]:
    return {
        "what": one.anchor.what, "of": one.anchor.of, "published": one.anchor.u,
        "source": one.anchor.source, "simulated": one.u_rel, "within_30_percent": one.agrees,
        "bias": one.simulated.bias, "scatter": one.simulated.scatter, "why": one.anchor.why,
    }  # fmt: skip


def plain(made: Simulated) -> dict[str, Any]:
    """A simulation for programs."""
    expected = made.protocol.uncertainty
    others = other_components(made.protocol)
    return {
        "id": made.protocol.id,
        "version": made.protocol.version,
        "population": {"id": made.population.id, "region": made.region, "n": made.population.n,
                       "source": made.population.source, "tag": made.population.tag},
        "patients": made.patients,
        "seed": made.seed,
        "curve": {"u_rel": made.u_rel, "u_mc": made.u_mc, "bias": made.bias,
                  "scatter": made.scatter, "off_by_10_percent": made.share_off(0.10),
                  "off_by_30_percent": made.share_off(0.30)},
        "refused": dict(made.refused),
        "others": {c.name: c.u for c in others or ()},
        "total": made.total,
        "document": expected.u_rel if expected else None,
        "published": [p.model_dump() for p in expected.published] if expected else [],
    }  # fmt: skip


def percent(share: float) -> str:
    """Per cent with one digit below ten."""
    value = 100 * share
    return f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"
