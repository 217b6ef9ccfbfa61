"""Planar activity: hand values, a slow count of photons, shared doubt, and what is refused."""

from __future__ import annotations

import json
from math import exp, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from quimby.core.errors import InputError, QuimbyError
from quimby.core.grid import Grid, Image
from quimby.core.uncertain import Uncertain, exact
from quimby.devices.scatter import Window
from quimby.measure import planar
from quimby.measure.dicom.ct import read_ct
from quimby.measure.dicom.planar import read_planar
from quimby.measure.planar_ct import resampled, transmission_of_ct, water_path
from quimby.measure.planar_overlap import from_other_side, from_visible_part, overlap_notes
from quimby.measure.planar_roi import Roi
from quimby.measure.planar_scan import view_pair
from quimby.measure.planar_scatter import Windows, primary, region_counts
from quimby.measure.planar_sweep import sweep_factor, sweep_notes
from quimby.measure.regions import body_of
from tests.conftest import SHARED, shared_path

lengths = st.floats(1.0, 150.0)
mus = st.floats(0.005, 0.02)


def slab(mu: float, source: float, body: float, depth: float) -> tuple[float, float]:
    """Share of photons that leave forwards and backwards from an even slab, added up slowly."""
    front = quad(lambda x: exp(-mu * x), depth, depth + source)[0] / source
    back = quad(lambda x: exp(-mu * (body - x)), depth, depth + source)[0] / source
    return front, back


@settings(max_examples=40, deadline=None)
@given(mu=mus, source=lengths, before=lengths, behind=lengths)
def test_two_views_give_the_activity_of_a_slab_at_any_depth(
    mu: float, source: float, before: float, behind: float
) -> None:
    body = before + source + behind
    front, back = slab(mu, source, body, before)

    found = planar.conjugate_views(
        exact(6.0 * 50.0 * front), exact(6.0 * 50.0 * back),
        planar.transmission_of_thickness(exact(mu), exact(body)),
        sensitivity_cps_per_mbq=exact(6.0), factor=planar.source_factor(exact(mu), exact(source)),
    )  # fmt: skip

    assert found.activity_mbq.value == pytest.approx(50.0, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(mu=mus, source=lengths, depth=st.floats(0.0, 150.0))
def test_a_posterior_view_gives_it_where_the_depth_is_right(
    mu: float, source: float, depth: float
) -> None:
    seen = slab(mu, source, depth + source, depth)[0]

    found = planar.posterior_view(
        exact(6.0 * 50.0 * seen), depth_mm=exact(depth), source_mm=exact(source),
        mu_per_mm=exact(mu), sensitivity_cps_per_mbq=exact(6.0),
    )  # fmt: skip

    assert found.activity_mbq.value == pytest.approx(50.0, rel=1e-6)
    assert [n.code for n in found.notes] == ["W-PLN-SINGLEVIEW"]


def test_a_thin_source_needs_no_factor_and_slides_into_it_evenly() -> None:
    assert planar.source_factor(exact(0.012), exact(0.0)).value == 1.0
    near = [planar.source_factor(exact(0.012), exact(t)).value for t in (0.0166, 0.0167)]
    assert near[0] == pytest.approx(near[1], rel=1e-9)


def test_the_doubt_of_each_input_is_that_of_a_small_change() -> None:
    base = {"a": 180.0, "p": 95.0, "mu": 0.012, "body": 220.0, "organ": 60.0, "c": 5.6}

    def activity(u: dict[str, float], **moved: float) -> Uncertain:
        v = {k: Uncertain(moved.get(k, x), {k: u.get(k, 0.0)}) for k, x in base.items()}
        return planar.conjugate_views(
            v["a"], v["p"], planar.transmission_of_thickness(v["mu"], v["body"]),
            sensitivity_cps_per_mbq=v["c"], factor=planar.source_factor(v["mu"], v["organ"]),
        ).activity_mbq  # fmt: skip

    middle = activity({})
    for name, x in base.items():
        h = 1e-5 * x
        slope = (activity({}, **{name: x + h}).value - activity({}, **{name: x - h}).value) / 2
        cause = "camera calibration" if name == "c" else name
        part = activity({name: h}).parts[cause]
        assert abs(part) == pytest.approx(abs(slope), rel=1e-4)
    assert middle.value == pytest.approx(85.55357818)


def test_counts_of_two_views_count_half_each() -> None:
    found = planar.conjugate_views(
        Uncertain(100.0, {"counts, front": 10.0}), Uncertain(100.0, {"counts, back": 10.0}),
        planar.Transmission(exact(0.1), "transmission scan"), sensitivity_cps_per_mbq=exact(6.0),
    )  # fmt: skip

    assert found.activity_mbq.u_rel == pytest.approx(0.1 / sqrt(2.0))
    assert found.how == "transmission scan"


def test_a_transmission_scan_and_a_stated_thickness_agree_for_the_same_body() -> None:
    scan = planar.transmission_of_scan(exact(1e4 * exp(-0.012 * 220)), exact(1e4))

    stated = planar.transmission_of_thickness(exact(0.012), exact(220.0))

    assert scan.value.value == pytest.approx(stated.value.value)


def test_the_thicker_the_organ_the_less_background_lies_over_it() -> None:
    region, beside = Uncertain(50000.0, {"c": 224.0}), Uncertain(6000.0, {"b": 77.0})
    shares = [planar.background_share(exact(t), exact(220.0)) for t in (0.0, 60.0, 200.0)]

    nets = [planar.net_counts(region, beside, pixels=400, background_pixels=100, share=f)
            for f in shares]  # fmt: skip

    assert [n.counts.value for n in nets] == pytest.approx([26000.0, 32545.4545, 47818.1818])
    assert nets[1].counts.parts["background, background"] == pytest.approx(-0.2 * 17454.545)
    assert nets[1].counts.parts["b"] == pytest.approx(-77.0 * 4 * 160 / 220)


def test_a_thickness_in_doubt_moves_transmission_and_background_together() -> None:
    body = Uncertain(220.0, {"body thickness": 10.0})
    passed = planar.transmission_of_thickness(exact(0.012), body)
    share = planar.background_share(exact(60.0), body)
    net = planar.net_counts(exact(5e4), exact(6e3), pixels=400, background_pixels=100,
                            share=share, level_u_rel=0.0)  # fmt: skip

    found = planar.conjugate_views(net.counts, net.counts, passed, sensitivity_cps_per_mbq=exact(6))

    # Thicker: less passes, so more activity (+6 %); more background, so less of it.
    up = 0.5 * 0.012 * 10.0
    down = 24000.0 * 60.0 / 220.0**2 * 10.0 / net.counts.value
    assert found.activity_mbq.u_rel == pytest.approx(up - down, rel=1e-6)


@pytest.mark.parametrize(
    ("call", "code", "says"),
    [
        (lambda: planar.transmission_of_scan(exact(20.0), exact(10.0)), "E-PLN-TRANSMISSION",
         "2.00 of the photons"),
        (lambda: planar.background_share(exact(220.0), exact(220.0)), "E-PLN-THICKNESS", "fills"),
        (lambda: planar.conjugate_views(exact(0.0), exact(1.0), planar.Transmission(exact(.1), ""),
                                        sensitivity_cps_per_mbq=exact(6.0)), "E-NUM-NONPOS",
         "anterior net rate is 0 cps"),
        (lambda: planar.conjugate_views(exact(1.0), exact(1.0), planar.Transmission(exact(0.), ""),
                                        sensitivity_cps_per_mbq=exact(6.0)), "E-PLN-TRANSMISSION",
         "no share"),
        (lambda: planar.net_counts(exact(10.0), exact(90.0), pixels=100, background_pixels=100),
         "E-NET-NONPOSITIVE", "90 background"),
        (lambda: planar.source_factor(exact(0.012), exact(-1.0)), "E-NUM-NONPOS", "-1 mm"),
    ],
)  # fmt: skip
def test_what_it_says_when_it_cannot_answer(call: Any, code: str, says: str) -> None:
    with pytest.raises(QuimbyError) as caught:
        call()
    assert caught.value.code == code
    assert says in str(caught.value)


def test_both_windows_give_the_triple_window_estimate() -> None:
    found = primary(Windows(Window(90000, 41.6), Window(12000, 20.8), Window(2600, 20.8)))
    assert found.primary.value == pytest.approx(75400.0)
    assert not found.notes


@pytest.mark.parametrize(
    ("lower", "upper", "left", "which"),
    [(Window(12000, 20.8), None, 78000.0, "the lower"),
     (None, Window(2600, 20.8), 84800.0, "the upper")],
)  # fmt: skip
def test_one_window_alone_is_used_and_said(
    lower: Window | None, upper: Window | None, left: float, which: str
) -> None:
    found = primary(Windows(Window(90000, 41.6), lower, upper))

    assert found.primary.value == pytest.approx(left)
    assert [n.code for n in found.notes] == ["I-SC-ONE-WINDOW"]
    assert which in found.notes[0].text


def test_without_a_scatter_window_nothing_is_corrected_silently() -> None:
    with pytest.raises(InputError, match="beside the photopeak"):
        primary(Windows(Window(90000, 41.6)))


def test_regions_that_lie_over_each_other_are_named_from_ten_per_cent() -> None:
    def rows(name: str, start: int, stop: int) -> Roi:
        share = np.zeros((100, 10))
        share[start:stop] = 1.0
        return Roi(name, share)

    liver, kidney, spleen = (
        rows("liver", 0, 50),
        rows("right kidney", 47, 67),
        rows("spleen", 66, 99),
    )

    found = overlap_notes([liver, kidney, spleen])

    assert [n.where for n in found] == ["right kidney"]
    assert found[0].value == pytest.approx(0.15)
    free = kidney.without(liver)
    assert free.pixels == pytest.approx(170.0)
    whole = from_visible_part(Uncertain(1700.0, {"c": 17.0}), visible=free, whole=kidney)
    assert whole.value.value == pytest.approx(2000.0)
    assert whole.value.parts["hidden part, right kidney"] == pytest.approx(0.15 * 0.15 * 2000)
    assert [n.code for n in whole.notes] == ["W-PLN-PART"]
    with pytest.raises(QuimbyError, match="only 10 % of it lies free"):
        from_visible_part(exact(1.0), visible=rows("part", 65, 67), whole=kidney)
    with pytest.raises(QuimbyError, match="outside the organ"):
        from_visible_part(exact(1.0), visible=spleen, whole=kidney)


def test_the_other_side_blocks_the_signature_until_confirmed() -> None:
    found = from_other_side(exact(40.0), organ="right kidney")

    assert found.value.parts == {"side taken as equal, right kidney": pytest.approx(6.0)}
    assert [n.severity for n in found.notes] == ["blocking"]


def observed_rows(true: np.ndarray[Any, Any], field: int, step_s: float, tau: float) -> Any:
    """Sweep a camera over rows one step at a time, and count what it keeps."""
    kept = np.zeros_like(true)
    for stand in range(true.size + field - 1):
        rows = range(max(0, stand - field + 1), min(true.size, stand + 1))
        rate = sum(true[r] for r in rows)
        for r in rows:
            kept[r] += true[r] * step_s * exp(-rate * tau)
    return kept


def test_a_sweep_is_corrected_row_by_row() -> None:
    rng = np.random.default_rng(3)
    true = 20.0 + 900.0 * np.exp(-0.5 * ((np.arange(300) - 120) / 12.0) ** 2) * rng.uniform(
        0.8, 1.2, 300
    )
    seen, step_s, tau = 80, 0.5, 5e-6
    observed = observed_rows(true, seen, step_s, tau)

    found = sweep_factor(observed, row_mm=5.0, field_mm=400.0, velocity_mm_s=10.0,
                         tau_s=Uncertain(tau, {"dead time": 1e-7}))  # fmt: skip

    assert observed * found.rows == pytest.approx(true * seen * step_s, rel=1e-8)
    assert found.rows[120] > 1.05 > 1.01 > found.rows[290]
    assert found.largest_loss == pytest.approx(1 - 1 / found.rows.max())
    whole = found.of(observed[:, None], np.ones((300, 1)))
    assert whole.value == pytest.approx(true.sum() * seen * step_s / observed.sum())
    slower = sweep_factor(
        observed, row_mm=5.0, field_mm=400.0, velocity_mm_s=10.0, tau_s=exact(tau + 1e-7)
    ).of(observed[:, None], np.ones((300, 1)))
    assert whole.parts["dead time"] == pytest.approx(slower.value - whole.value)
    assert whole.parts["dead time"] > 0.02 * (whole.value - 1)  # it runs away with the rate
    assert [n.code for n in sweep_notes(found.largest_loss, corrected=False, where="s")] == [
        "W-DT-SWEEP"]  # fmt: skip
    assert not sweep_notes(found.largest_loss, corrected=True, where="s")


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"velocity_mm_s": 0.0}, "E-PLN-SWEEP"), ({"field_mm": 1.0}, "E-PLN-SWEEP"),
     ({"tau_s": exact(0.0)}, "E-PLN-SWEEP"), ({"tau_s": exact(1e-3)}, "E-DT-NOSOLUTION")],
)  # fmt: skip
def test_a_sweep_that_cannot_be_corrected_is_refused(changes: dict[str, Any], code: str) -> None:
    given: dict[str, Any] = {"row_mm": 5.0, "field_mm": 400.0, "velocity_mm_s": 10.0,
                             "tau_s": exact(5e-6)}  # fmt: skip
    with pytest.raises(QuimbyError) as caught:
        sweep_factor(np.full(300, 4e4), **(given | changes))
    assert caught.value.code == code


def water_box() -> Image:
    """A CT of air with a box of water, 200 mm front to back, in the middle."""
    hu = np.full((20, 50, 60), -1000.0)
    hu[5:15, 5:45, 10:50] = 0.0
    affine = np.diag([5.0, 5.0, 10.0, 1.0])
    affine[:3, 3] = (-150.0, -125.0, -100.0)
    return Image(Grid((20, 50, 60), affine), hu, "HU")


def test_a_box_of_water_has_its_own_thickness_and_transmission() -> None:
    path = water_path(water_box())
    roi = Roi("box", (path.mm > 0).astype(float))

    passed = transmission_of_ct(path, Uncertain(0.0135, {"attenuation": 2e-4}), roi=roi)

    assert path.mm[10, 30] == pytest.approx(200.0)
    assert path.mm[0, 0] == 0.0
    assert passed.value.value == pytest.approx(exp(-0.0135 * 200.0), rel=1e-9)
    assert passed.value.parts["attenuation"] == pytest.approx(-200 * 2e-4 * passed.value.value)


def test_rows_run_from_head_to_feet_and_columns_from_right_to_left() -> None:
    image = water_box()
    hu = np.array(image.array)
    hu[14, 20:24, 12] = 1200.0  # near the head (high z), on the patient's right (low x)
    path = water_path(Image(image.grid, hu, "HU"))

    assert int(np.argmax(path.mm)) == 5 * 60 + 12
    fine = resampled(path, pixel_mm=(5.0, 2.5), corner_mm=path.corner_mm, shape=(40, 120))
    assert fine.mm[10, 24] == pytest.approx(path.mm[5, 12])


def test_activity_seen_through_uneven_tissue_weighs_by_where_it_lies() -> None:
    path = water_path(water_box())
    mm = np.array(path.mm)
    mm[:, 30:50] *= 0.5
    uneven = type(path)(mm, path.pixel_mm, path.corner_mm)
    activity = np.where(mm > 0, 3.0, 0.0)
    activity[:, :30] *= 4.0
    mu = 0.0135

    passed = transmission_of_ct(uneven, exact(mu), image=activity * np.exp(-mu * mm / 2.0))

    seen = float((activity * np.exp(-mu * mm / 2.0)).sum())
    assert seen / sqrt(passed.value.value) == pytest.approx(activity.sum())


def tilted() -> Image:
    affine = np.array(water_box().grid.affine)
    affine[1, 2] = 1.0
    return Image(Grid(water_box().grid.shape, affine), water_box().array, "HU")


AWAY = Roi("away", np.pad(np.ones((1, 1)), ((0, 19), (0, 59))))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: water_path(Image(water_box().grid, water_box().array, "g/ml")), "g/ml"),
        (lambda: water_path(tilted()), "tilted"),
        (lambda: transmission_of_ct(water_path(water_box()), exact(0.0135), roi=AWAY), "outside"),
        (lambda: transmission_of_ct(water_path(water_box()), exact(0.0135),
                                    roi=Roi("other", np.ones((3, 3)))), "the region"),
    ],
)  # fmt: skip
def test_a_ct_that_cannot_serve_is_refused(call: Any, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        call()
    assert caught.value.code == "E-PLN-WATER"


@pytest.mark.parametrize(("scan", "hours"), [(2, 23.2833), (3, 70.7833)])
def test_case_a_has_its_whole_activity_in_two_views_and_a_ct(scan: int, hours: float) -> None:
    folder = shared_path("data", "lu177_dotatate_case_a", f"tp{scan}")
    truth = json.loads((SHARED / "data" / "lu177_dotatate_case_a.truth.json").read_text("utf-8"))
    views = read_planar([folder / "PLANAR.dcm"])
    ct = read_ct(sorted((folder / "CT").iterdir())).image
    path = water_path(ct, body=body_of(ct))
    gm = view_pair(views, 208.0).geometric_mean
    shape = (gm.shape[0], gm.shape[1])
    # Both are centred on one axis; the planar picture has 2.4 mm pixels.
    corner = (
        path.corner_mm[0] + (path.mm.shape[1] - 1) * path.pixel_mm[1] / 2 - (shape[1] - 1) * 1.2,
        path.corner_mm[1] - (path.mm.shape[0] - 1) * path.pixel_mm[0] / 2 + (shape[0] - 1) * 1.2,
    )
    here = resampled(path, pixel_mm=(2.4, 2.4), corner_mm=corner, shape=shape)
    body = Roi("whole body", (here.mm > 0).astype(float))
    mu = Uncertain(0.0135, {"attenuation of water": 0.0003})

    counts = region_counts(views, body, label=f"scan {scan}", energy_kev=208.0)
    rates = [c.scaled(1 / counts.seconds) for c in counts.counts]
    found = planar.conjugate_views(
        rates[0], rates[1], transmission_of_ct(here, mu, roi=body, image=gm),
        factor=planar.source_factor(mu, Uncertain(90.0, {"thickness of the source": 30.0})),
        sensitivity_cps_per_mbq=Uncertain(6.05, {"activity of the source": 0.18}),
    ).activity_mbq  # fmt: skip

    true = sum(a * 2 ** (-hours / t) for r in truth["regions"].values() for a, t in r["kinetics"])
    assert found.value == pytest.approx(true, rel=0.05)
    assert abs(found.value - true) < 2 * found.u
    causes = {"camera calibration", "attenuation of water", "CT, path of the views"}
    assert set(found.parts) >= causes | {f"counts, whole body anterior, scan {scan}"}
