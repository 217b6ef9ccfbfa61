"""Outlines laid on a scan's activity, without a CT: found though uptake and place changed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid, Image, Rigid
from quimby.core.outline import Outline
from quimby.devices.point_spread import blur
from quimby.measure.activity_body import body_of_activity
from quimby.measure.occupancy import volume_ml
from quimby.measure.regions import Regions, prepare
from quimby.measure.spect_registration import Laying, laying, register_on_activity
from tests import case_a_truth as case_a
from tests.case_a_truth import centred_grid, turned_about_z

FWHM_MM = 11.0
TRUNK = np.array([150.0, 100.0, 190.0])
ORGANS = {
    "Liver": ((-70.0, -10.0, 60.0), (60.0, 50.0, 45.0)),
    "Spleen": ((85.0, 30.0, 70.0), (20.0, 30.0, 35.0)),
    "Kidney_L": ((60.0, 40.0, -30.0), (20.0, 22.0, 45.0)),
    "Kidney_R": ((-60.0, 40.0, -40.0), (22.0, 20.0, 42.0)),
}
EARLY = {"Liver": 3.0, "Spleen": 4.0, "Kidney_L": 5.0, "Kidney_R": 5.0, "rest": 1.0}
LATE = {"Liver": 3.0, "Spleen": 1.0, "Kidney_L": 6.0, "Kidney_R": 5.5, "rest": 0.05}
TURNED = turned_about_z(4.0, [9.0, -6.0, 14.0])


def _inside(points: np.ndarray, centre: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Share inside an ellipsoid; edges take 4 mm."""
    far = np.linalg.norm((points - centre) / half, axis=-1)
    return np.asarray(np.clip((1.0 - far) * half.min() / 4.0 + 0.5, 0.0, 1.0))


def _mask(points: np.ndarray, name: str) -> np.ndarray:
    centre, half = ORGANS[name]
    return _inside(points, np.array(centre), np.array(half))


@cache
def _grid() -> Grid:
    return centred_grid((90, 60, 80), 5.0)


def scan(held: dict[str, float], moved: Rigid, *, seed: int = 1, away: float = 0.0) -> Image:
    """A blurred, noisy scan of the patient moved; `away` is something hot not outlined."""
    points = moved.inverse().apply(_grid().centres_mm())
    whole = held["rest"] * _inside(points, np.zeros(3), TRUNK)
    for name in ORGANS:
        whole += (held[name] - held["rest"]) * _mask(points, name)
    if away:
        whole += away * _inside(points, np.array([10.0, -40.0, -110.0]), np.full(3, 18.0))
    seen = blur(whole, _grid(), FWHM_MM)
    noise = np.random.default_rng(seed).normal(size=seen.shape) * 0.05 * np.sqrt(seen + 0.01)
    return Image(_grid(), np.maximum(seen + noise, 0.0), "counts")


def outlined(elsewhere: Rigid | None = None) -> Regions:
    """The organs as drawn, in the scanner's frame or in that of another day's CT."""
    moved = elsewhere or Rigid.identity()
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = moved.rotation, moved.translation_mm
    placed = Grid(_grid().shape, affine @ _grid().affine)
    points = _grid().centres_mm()
    outlines = [
        Outline(name, "frame", mask=Image(placed, _mask(points, name).astype(np.float32), "1"))
        for name in ORGANS
    ]
    body = Image(placed, _inside(points, np.zeros(3), TRUNK).astype(np.float32), "1")
    return prepare(outlines, Image(placed, body.array, "counts"), otherwise=body)


@cache
def drawn() -> Laying:
    return laying(outlined(), fwhm_mm=FWHM_MM)


def worst_mm(found: Rigid, true: Rigid) -> float:
    points = np.array([centre for centre, _ in ORGANS.values()])
    return float(np.linalg.norm(found.apply(points) - true.apply(points), axis=-1).max())


@pytest.mark.parametrize("held", [EARLY, LATE])
def test_a_scan_is_laid_to_half_a_millimetre_whatever_the_uptake(held: dict[str, float]) -> None:
    found = register_on_activity(drawn(), scan(held, TURNED), where="scan-2")
    assert worst_mm(found.transform, TURNED) < 0.5
    assert [n.code for n in found.notes] == ["I-REG-SPECT"]
    assert found.similarity > 0.95 > found.similarity_before


def test_outlines_of_a_ct_of_another_day_are_found_from_afar() -> None:
    there = turned_about_z(-5.0, [60.0, -150.0, 900.0])
    made = laying(outlined(there), fwhm_mm=FWHM_MM)
    found = register_on_activity(made, scan(LATE, TURNED), where="scan-2").transform
    back = there.inverse()
    both = Rigid(TURNED.rotation @ back.rotation, TURNED.apply(back.translation_mm))
    points = there.apply(np.array([centre for centre, _ in ORGANS.values()]))
    apart = np.linalg.norm(found.apply(points) - both.apply(points), axis=-1)
    assert apart.max() < 0.5


def test_something_hot_that_nobody_outlined_pulls_less_than_two_millimetres() -> None:
    found = register_on_activity(drawn(), scan(LATE, TURNED, away=8.0), where="scan-2")
    assert worst_mm(found.transform, TURNED) < 2.0


def test_an_unknown_blur_costs_less_than_a_millimetre() -> None:
    made = laying(outlined(), fwhm_mm=0.0)
    found = register_on_activity(made, scan(LATE, TURNED), where="scan-2")
    assert worst_mm(found.transform, TURNED) < 1.0


def test_a_scan_of_something_else_is_not_trusted() -> None:
    values = np.random.default_rng(3).random(_grid().shape)
    try:
        found = register_on_activity(drawn(), Image(_grid(), values, "counts"), where="scan-9")
        said = [n.code for n in found.notes if n.severity == "blocking"]
    except QuimbyError as error:
        said = [error.code]
    assert said in (["S-REG-SPECT"], ["E-REG-SPECT"])


def test_an_empty_scan_is_refused() -> None:
    with pytest.raises(QuimbyError) as error:
        register_on_activity(drawn(), Image(_grid(), np.zeros(_grid().shape), "counts"), where="x")
    assert error.value.code == "E-REG-SPECT"


def test_values_that_are_no_numbers_are_refused() -> None:
    values = np.array(scan(LATE, TURNED).values)
    values[3, 3, 3] = np.nan
    with pytest.raises(QuimbyError) as error:
        register_on_activity(drawn(), Image(_grid(), values, "counts"), where="x")
    assert error.value.code == "E-IMG-NAN"


@pytest.mark.parametrize("held", [EARLY, {**EARLY, "rest": 0.4}])
def test_the_body_is_found_in_the_activity(held: dict[str, float]) -> None:
    true = float(4 / 3 * np.pi * np.prod(TRUNK)) / 1000.0
    body = body_of_activity(scan(held, Rigid.identity()))
    assert volume_ml(body) == pytest.approx(true, rel=0.15)


def test_no_body_is_found_where_there_is_no_activity() -> None:
    with pytest.raises(QuimbyError) as error:
        body_of_activity(Image(_grid(), np.zeros(_grid().shape), "counts"))
    assert error.value.code == "E-REG-SPECT"


@pytest.mark.parametrize("number", [1, 3, 4])
def test_case_a_is_laid_by_activity_alone_to_a_millimetre(number: int) -> None:
    true = case_a.truth().pose(number)
    made = _of_case_a()
    found = register_on_activity(made, case_a.activity(number), where=f"scan-{number}").transform
    points = np.array([r.mask.grid.points_mm((np.array(r.mask.grid.shape[::-1]) - 1) / 2)
                       for r in _regions().organs])  # fmt: skip
    assert np.linalg.norm(found.apply(points) - true.apply(points), axis=-1).max() < 1.0


@cache
def _regions() -> Regions:
    return prepare(case_a.outlines(), case_a.ct(case_a.REFERENCE))


@cache
def _of_case_a() -> Laying:
    return laying(_regions(), fwhm_mm=FWHM_MM)
