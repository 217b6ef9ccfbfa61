"""Camera checks on the IAEA's sample images: the published figures come out."""

from __future__ import annotations

from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from quimby.core.errors import InputError, QuimbyError
from quimby.core.grid import Grid, Image
from quimby.core.uncertain import Uncertain, exact
from quimby.devices.cold_spheres import cold_spheres
from quimby.devices.planar_sensitivity import Background, highest_rate, planar_sensitivity
from quimby.devices.point_width import gaussian_width, point_widths
from quimby.devices.uniformity import flood_uniformity, spect_uniformity
from quimby.measure.dicom.emission import read_emission
from quimby.measure.dicom.planar import read_planar
from quimby.measure.planar_scan import PlanarScan
from tests.conftest import shared_path

TC99M_H = 6.0067
BASIS = np.random.default_rng(11)


def scan(name: str) -> PlanarScan:
    return read_planar([shared_path("data", "nm_qc", name)])


def test_the_flood_has_the_published_central_uniformity() -> None:
    image = scan("Uniformity_UNIFORMIDAD_1_Ok.dcm")

    found = flood_uniformity(image.frames[0].counts, image.pixel_mm[0])

    assert found.central.integral == pytest.approx(0.0238, abs=1e-4)
    assert found.central.differential == pytest.approx(0.01728, abs=1e-5)
    # Published for the useful field as well; our rim differs by a few pixels (2.46, 1.88 %).
    assert found.useful.integral == pytest.approx(0.0238, abs=1.5e-3)
    assert found.useful.differential == pytest.approx(0.01728, abs=1.5e-3)
    assert found.smoothed.shape == (64, 64)
    assert [n.code for n in found.notes] == ["W-PLN-FLOOD"]  # 16 million, but 5500 a pixel


def test_the_cylinder_has_the_published_tomographic_uniformity() -> None:
    image = read_emission([shared_path("data", "nm_qc", "Jaszack.dcm")]).image

    found = spect_uniformity(image)

    assert found.central.integral == pytest.approx(0.13031, abs=1e-5)
    assert found.central.differential == pytest.approx(0.09605, abs=1e-5)


def test_the_sensitivity_is_the_published_one_and_takes_the_background_of_its_own_head() -> None:
    dish, empty = scan("sensitivity_PetriDish.dcm").frames[0], scan("sensitivity_Background.dcm")

    def found(background: Background | None = None) -> float:
        return planar_sensitivity(dish.counts.sum(), dish.seconds, Uncertain(10.0),
                                  half_life_h=TC99M_H, background=background).value  # fmt: skip

    by_head = {f.collimator: Background(f.counts.sum(), f.seconds) for f in empty.frames}
    first = empty.frames[0].collimator
    assert found() == pytest.approx(245.83, abs=0.05)
    assert found(by_head[first]) == pytest.approx(243.912, abs=0.01)  # published: the first frame
    # But the dish stood under the other head, as its collimator's number says.
    assert dish.collimator != first
    assert found(by_head[dish.collimator]) == pytest.approx(244.298, abs=0.001)


def test_the_highest_rate_is_the_published_one() -> None:
    image = scan("MaxCountRate.dcm")

    found = highest_rate([f.counts for f in image.frames], [f.seconds for f in image.frames])

    assert (found.cps.value, found.frame) == (358437.0, 16)
    assert found.rates_cps[-1] < found.cps.value  # the source came too near: rates fall again


def test_the_point_has_the_published_widths() -> None:
    found = point_widths(read_emission([shared_path("data", "nm_qc", "TomoResolution.dcm")]).image)

    assert [w.fwhm_mm for w in (found.x, found.y, found.z)] == pytest.approx(
        [22.31, 22.33, 22.47], abs=0.01)  # fmt: skip
    assert [w.fwtm_mm for w in (found.x, found.y, found.z)] == pytest.approx(
        [40.66, 40.69, 40.96], abs=0.01)  # fmt: skip


def test_the_cold_spheres_have_the_published_contrasts() -> None:
    found = cold_spheres(read_emission([shared_path("data", "nm_qc", "Jaszack.dcm")]).image)

    assert found.baseline == pytest.approx(1331, abs=12)
    first, last = found.spheres[0], found.spheres[-1]
    assert first.highest_contrast == pytest.approx(0.721, abs=0.002)
    assert first.mean_contrast == pytest.approx(0.342, abs=0.017)
    assert last.highest_contrast == pytest.approx(0.183, abs=0.004)
    assert last.mean_contrast == pytest.approx(0.1365, abs=0.04)
    assert [s.sphere.diameter_mm for s in found.spheres] == [38.0, 31.8, 25.4, 19.1, 15.9, 12.7]


def flood(counts: float = 40000.0) -> np.ndarray[Any, Any]:
    """A field of 64 x 48 pixels of 4.8 mm, even, in a wider picture."""
    image = np.zeros((64, 80))
    image[8:56, 8:72] = counts
    return image


def test_an_even_flood_is_perfectly_uniform_and_a_dip_has_its_own_contrast() -> None:
    even = flood_uniformity(flood(), 4.8)
    image = flood()
    image[28:37, 36:45] *= 0.9  # broader than the smoothing

    found = flood_uniformity(image, 4.8)

    assert even.useful.integral == pytest.approx(0.0, abs=1e-12)
    assert found.central.integral == pytest.approx(0.1 / 1.9)
    assert 0 < found.central.differential <= found.central.integral
    assert not found.notes


def test_a_dip_at_the_rim_counts_in_the_useful_field_only() -> None:
    image = flood()
    image[20:44, 11:16] *= 0.9

    found = flood_uniformity(image, 4.8, limits=(0.04, 0.03))

    assert found.useful.integral > 0.04
    assert found.central.integral == pytest.approx(0.0, abs=1e-12)
    assert {n.code for n in found.notes} == {"W-PLN-UNIFORM"}


def test_noise_alone_gives_the_spread_of_its_extremes() -> None:
    image = BASIS.poisson(flood(40000.0)).astype(float)

    found = flood_uniformity(image, 4.8)

    # Smoothing leaves 36/256 of the variance; about 2500 pixels reach 3.5 deviations each way.
    assert found.useful.integral == pytest.approx(3.5 * 0.375 / sqrt(40000), rel=0.25)


@pytest.mark.parametrize(
    ("image", "pixel", "says"),
    [(np.zeros((64, 64)), 4.8, "empty"), (flood(), 9.0, "its pixels are 9.0 mm"),
     (flood()[:4, :4], 4.8, "empty"), (np.ones((6, 6)), 4.8, "too small")],
)  # fmt: skip
def test_a_flood_that_is_none_is_refused(image: Any, pixel: float, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        flood_uniformity(image, pixel)
    assert caught.value.code == "E-PLN-FLOOD"


def test_sensitivity_carries_the_doubt_of_source_and_counts_apart() -> None:
    found = planar_sensitivity(1e4, 100.0, Uncertain(10.0, {"activity of the source": 0.3}),
                               half_life_h=1e6, background=Background(100.0, 100.0))  # fmt: skip

    assert found.value == pytest.approx(9.9, rel=1e-6)
    assert abs(found.parts["activity of the source"]) == pytest.approx(0.03 * 9.9, rel=1e-6)
    assert found.parts["counts, calibration"] == pytest.approx(0.1, rel=1e-6)
    assert abs(found.parts["counts, background of the calibration"]) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: planar_sensitivity(10.0, 1.0, exact(1.0), half_life_h=6.0,
                                    background=Background(100.0, 1.0)), "E-PLN-SENSITIVITY"),
        (lambda: planar_sensitivity(0.0, 1.0, exact(1.0), half_life_h=6.0), "E-NUM-NONPOS"),
        (lambda: highest_rate([], []), "E-PLN-SENSITIVITY"),
        (lambda: gaussian_width(np.zeros(20), 4.0), "E-PLN-POINT"),
        (lambda: gaussian_width(np.linspace(0, 1, 20), 4.0), "E-PLN-POINT"),
    ],
)  # fmt: skip
def test_a_check_without_a_source_is_refused(call: Any, code: str) -> None:
    with pytest.raises(QuimbyError) as caught:
        call()
    assert caught.value.code == code


def test_a_blurred_point_has_the_width_of_its_blur() -> None:
    grid = Grid((41, 41, 41), np.diag([3.0, 3.0, 4.0, 1.0]))
    array = np.zeros(grid.shape)
    array[20, 19, 22] = 1e6
    sigma = [12.0 / 4.0, 10.0 / 3.0, 9.0 / 3.0]

    found = point_widths(Image(grid, gaussian_filter(array, sigma), "counts"))

    per = 2 * sqrt(2 * log(2))
    widths = [found.x.fwhm_mm, found.y.fwhm_mm, found.z.fwhm_mm]
    assert widths == pytest.approx([9 * per, 10 * per, 12 * per], rel=2e-3)
    assert found.x.fwtm_mm / found.x.fwhm_mm == pytest.approx(sqrt(log(10) / log(2)))
    assert found.voxel == (20, 19, 22)


def test_the_doubt_of_a_width_is_the_scatter_of_repeated_counting() -> None:
    """Not that of the many empty points beside the source, ten times too small."""
    x = np.arange(96) * 4.8
    true = 3000 * np.exp(-0.5 * ((x - 231.0) / 4.46) ** 2)
    found = [gaussian_width(BASIS.poisson(true).astype(float), 4.8) for _ in range(200)]
    scatter = float(np.std([w.fwhm_mm for w in found]))
    said = [w.u_fwhm_mm for w in found]
    assert 0.7 * scatter < float(np.median(said)) < 2.0 * scatter
    inside = [abs(w.fwhm_mm - 4.46 * 2.3548) < 2 * w.u_fwhm_mm for w in found]
    assert 0.85 < sum(inside) / len(inside) < 1.0
