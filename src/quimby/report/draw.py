"""Which figures a result gets, drawn in the order of the pages."""

from __future__ import annotations

from collections.abc import Iterator

from quimby.report.figures import bars, curves, dvh, planar, registration, slices
from quimby.report.figures.style import Figure, Series, series
from quimby.report.forecast import bars as cycles
from quimby.report.forecast import limiting
from quimby.report.readings import drawings as readings
from quimby.study.result import RegionResult, Result

ON_PAGE_ONE = 3
MANY = 6  # organs that one picture of dose in volume holds


def drawings(result: Result) -> tuple[Figure, ...]:
    """Every figure of the report; those without data are left out."""
    if not result.stages:
        return tuple(_drawn(result))
    behind = _drawn(result) if readings.with_scans(result) else ()
    return (*readings.drawings(result), *behind)


def _drawn(result: Result) -> Iterator[Figure]:
    styles = series([r.name for r in result.regions])
    if result.pictures is not None:
        yield slices.coronal_dose(result)
    chosen = page_one_regions(result)
    if chosen:
        yield curves.page_one_curves(chosen, styles)
    yield from _cycles(result)
    yield from _curves(result, styles)
    shown = (slices.fused(result), registration.registration(result), planar.planar_views(result))
    for figure in shown:
        if figure is not None:
            yield figure
    if result.pictures is not None:
        yield slices.dose_pictures(result)
    yield from _dvhs(result, styles)
    rows = [*result.combined, *result.regions]
    if rows:
        yield bars.budget_bars(rows)


def page_one_regions(result: Result) -> list[RegionResult]:
    """The curves of page one: the limiting organ (its first member), then the two hottest lesions,
    else the regions of highest dose."""
    fitted = [r for r in result.regions if r.curve is not None]
    worst = limiting(result)
    first = [r for r in fitted if worst and (r.name == worst[0].name or r.name in worst[0].members)]
    rest = sorted((r for r in fitted if r not in first),
                  key=lambda r: (r.organ != "lesion", -r.absorbed_dose_gy.value))  # fmt: skip
    return [*first[:1], *rest][:ON_PAGE_ONE]


def _cycles(result: Result) -> Iterator[Figure]:
    worst = limiting(result)
    if worst is None:
        return
    region, check = worst
    name = f"{region.name}, BED" if check.quantity == "BED" else region.name
    yield bars.cycle_bars(cycles(result, region, check.quantity), name, check.limit_gy)


def _curves(result: Result, styles: dict[str, Series]) -> Iterator[Figure]:
    """Organs that are compared share an axis, lesions share another."""
    fitted = [r for r in result.regions if r.curve is not None]
    for group in _alike(fitted):
        limits = curves.shared_limits(group)
        for region in group:
            yield curves.curve_panel(region, styles[region.name], limits)


def _alike(regions: list[RegionResult]) -> list[list[RegionResult]]:
    """Left and right of one organ together, all lesions together, others alone."""
    groups: dict[str, list[RegionResult]] = {}
    for r in regions:
        groups.setdefault(r.organ if r.organ == "lesion" or r.side else r.name, []).append(r)
    return list(groups.values())


def _dvhs(result: Result, styles: dict[str, Series]) -> Iterator[Figure]:
    lesions = [r for r in result.regions if r.organ == "lesion"]
    organs = [r for r in result.regions if r.organ != "lesion"]
    if len(organs) > MANY:  # pairs for their members
        pairs = [c for c in result.combined if c.dvh is not None]
        paired = {name for c in pairs for name in c.members}
        organs = [*pairs, *(r for r in organs if r.name not in paired)]
        styles = {**styles, **{c.name: styles[c.members[0]] for c in pairs}}
    for rows, name, title in (
        (organs, "dvh_organs", "Organs"),
        (lesions, "dvh_lesions", "Lesions"),
    ):
        figure = dvh.dvh_figure(rows, styles, name, title)
        if figure is not None:
            yield figure


def captions(result: Result) -> dict[str, str]:
    """Titles that say what is seen, by figure."""
    worst = limiting(result)
    region = worst[0].name if worst else ""
    pictured = result.pictures is not None
    left = (result.cycles_planned or result.cycle) - result.cycle
    ahead = f"Hatched: if they are as cycle {result.cycle}." if left > 0 else ""
    return {
        "dose_coronal": "Absorbed dose, coronal",
        "curves_summary": "Activity by time; bars and bands k = 2",
        "dose_by_cycle": f"{region}, dose by cycle; bars k = 2",
        "ahead": ahead,
        "scans": slices.scans_words(result.pictures),
        "registration": registration.registration_words(result.pictures),
        "planar": planar.words(result),
        "dvh": _dvh_words(result),
        "outlines": slices.key_words(result) if pictured else "",
        "outlines_here": slices.key_words(result, slices.summary_plane(result)) if pictured else "",
    }


def _dvh_words(result: Result) -> str:
    """What the last columns of the table of doses in volume mean."""
    said = ("Mean: of the voxels. Organ / voxel sum: what the voxels were multiplied by to hold "
            "the region's recovered activity. Closure: how far their sum was off the region's own "
            "curve before that.")  # fmt: skip
    if any(r.voxel_fallback is not None for r in result.regions):
        said += " By rule: share of the volume whose voxels have no curve of their own."
    return said
