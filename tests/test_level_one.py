"""Level 1: nothing measured in this patient; the dose of published patients, and the delivery."""

from __future__ import annotations

import json
from io import BytesIO
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from quimby import protocols
from quimby.core.errors import QuimbyError
from quimby.population.places import Cohort, table
from quimby.population.pooled import pooled
from quimby.report.write import contents
from quimby.study.by_cohort import SPREAD
from quimby.study.result import Result
from quimby.study.run import run
from tests.readings_study import study_file

SEEN = {"how": "planar image", "by": "T. Roy", "at": "2026-03-03T09:30+01:00", "as_expected": True,
        "words": "uptake in liver lesions"}  # fmt: skip
LU: dict[str, Any] = {"id": "cycle-1", "nuclide": "Lu-177", "agent": "Lu-177 DOTATATE",
                      "activity": "7.3 GBq", "activity_u": "3 %", "prescribed": "7.4 GBq",
                      "at": "2026-03-02T10:00+01:00", "residuals": []}  # fmt: skip
THYROID = {**LU, "nuclide": "I-131", "agent": "I-131 NaI", "activity": "400 MBq",
           "prescribed": "400 MBq"}  # fmt: skip


def _stated(protocol: str) -> float:
    expected = protocols.load(protocol).uncertainty
    assert expected is not None
    return next(c.u for c in expected.component if c.name == SPREAD)


def level_one(folder: Path, **more: Any) -> Result:
    document = {"therapy": "lu177-dotatate", "protocol": "LU-COHORT",
                "administrations": [{**LU, "verification": SEEN, **more}]}  # fmt: skip
    return run(study_file(folder, document))


def codes(result: Result) -> set[str]:
    return {n.code for n in result.notes}


def row(organ: str, mean: float, sd: float | None, n: int, **more: Any) -> Cohort:
    values: dict[str, Any] = {"agent": "177Lu-DOTATATE", "unit": "Gy/GBq", "median": None,
                              "low": None, "high": None, "method": "SPECT", "source": "s",
                              "tag": "V", **more}  # fmt: skip
    return Cohort(organ=organ, n=n, mean=mean, sd=sd, **values)


def test_the_kidneys_are_the_published_mean_times_the_activity(tmp_path: Path) -> None:
    """Willowson 0.38 ± 0.19 (20) and Santoro 0.43 ± 0.13 (12), both by SPECT/CT."""
    kidney = next(d for d in level_one(tmp_path).cohort if d.organ == "kidney")
    mean = (20 * 0.38 + 12 * 0.43) / 32
    sd = sqrt(
        (20 * 0.19**2 + 12 * 0.13**2 + 20 * (0.38 - mean) ** 2 + 12 * (0.43 - mean) ** 2) / 32
    )
    assert kidney.n == 32
    assert kidney.dose_gy.value == pytest.approx(7.3 * mean)
    assert kidney.dose_per_activity_gy_per_gbq.u == pytest.approx(sd)
    assert kidney.dose_gy.u_rel == pytest.approx(sqrt((sd / mean) ** 2 + 0.03**2))


def test_nine_of_ten_patients_lie_in_the_range(tmp_path: Path) -> None:
    kidney = next(d for d in level_one(tmp_path).cohort if d.organ == "kidney")
    mean, sd = kidney.dose_per_activity_gy_per_gbq.value, kidney.dose_per_activity_gy_per_gbq.u
    sigma = sqrt(log(1 + (sd / mean) ** 2))
    drawn = 7.3 * exp(log(mean) - sigma**2 / 2) * np.exp(
        sigma * np.random.default_rng(7).standard_normal(200_000))  # fmt: skip
    assert kidney.range_5_95_gy == pytest.approx(tuple(np.percentile(drawn, [5, 95])), rel=0.02)


def test_the_result_is_level_one_and_holds_no_measured_dose(tmp_path: Path) -> None:
    result = level_one(tmp_path)
    assert result.level == 1
    assert not result.regions
    assert not result.stages


def test_the_deviation_of_the_activity_is_told(tmp_path: Path) -> None:
    found = level_one(tmp_path).delivery
    assert found is not None
    assert found.deviation == pytest.approx(7.3 / 7.4 - 1)
    assert found.within
    far = level_one(tmp_path, activity="6.5 GBq")
    assert far.delivery is not None
    assert not far.delivery.within
    assert "S-ADMIN-DEVIATION" in codes(far)


def test_exactly_ten_per_cent_off_is_within_and_blocks_nothing(tmp_path: Path) -> None:
    edge = level_one(tmp_path, activity="8.14 GBq")  # 7.4 GBq times 1.1
    assert edge.delivery is not None
    assert edge.delivery.within
    assert "S-ADMIN-DEVIATION" not in codes(edge)
    assert "S-ADMIN-DEVIATION" in codes(level_one(tmp_path, activity="8.15 GBq"))


def test_nobody_having_looked_is_told(tmp_path: Path) -> None:
    document = {"therapy": "lu177-dotatate", "protocol": "LU-COHORT", "administrations": [LU]}
    assert "W-VERIFY-NONE" in codes(run(study_file(tmp_path, document)))
    assert "W-VERIFY-NONE" not in codes(level_one(tmp_path))


def test_an_unexpected_distribution_blocks_signing(tmp_path: Path) -> None:
    odd = {**SEEN, "as_expected": False, "words": "most of it at the arm"}
    result = level_one(tmp_path, verification=odd)
    told = next(n for n in result.notes if n.code == "S-VERIFY-OTHER")
    assert told.severity == "blocking"
    assert "most of it at the arm" in told.text


def test_an_unstated_prescription_is_told(tmp_path: Path) -> None:
    bare = {k: v for k, v in LU.items() if k != "prescribed"}
    document = {"therapy": "lu177-dotatate", "protocol": "LU-COHORT", "administrations": [bare]}
    assert "W-VERIFY-PRESCRIBED" in codes(run(study_file(tmp_path, document)))


def test_measurements_are_refused_and_the_way_out_is_told(tmp_path: Path) -> None:
    measured = [{"kind": "spect", "id": "s", "image": {"path": "a"}, "ct": {"path": "b"}}]
    with pytest.raises(QuimbyError, match="verification"):
        level_one(tmp_path, measurements=measured)


def test_an_organ_without_a_spread_has_no_doubt_and_says_so(tmp_path: Path) -> None:
    document = {"therapy": "i131-benign-thyroid", "protocol": "BT-FIXED",
                "administrations": [{**THYROID, "verification": SEEN}]}  # fmt: skip
    result = run(study_file(tmp_path, document))
    marrow = [d for d in result.cohort if d.organ == "marrow"]
    thyroid = [d for d in result.cohort if d.organ == "thyroid"]
    assert {d.spread for d in marrow} == {"not known"}
    assert all(d.dose_gy.u == 0 for d in marrow)
    assert "W-COHORT-SPREAD" in codes(result)
    assert {d.spread for d in thyroid} == {"stated by the protocol"}
    assert thyroid[0].dose_per_activity_gy_per_gbq.u_rel == pytest.approx(_stated("BT-FIXED"))


def test_a_known_group_leaves_its_own_rows_only() -> None:
    rows = pooled(table("I-131-benign"), group=("uptake 25 %",))
    assert [(r.organ, r.mean) for r in rows if r.organ == "thyroid"] == [("thyroid", 351.0)]


def test_rows_from_memory_are_left_out_where_two_that_were_seen_remain() -> None:
    seen, memory = row("kidney", 0.4, 0.1, 10), row("kidney", 9.0, 0.1, 1000, tag="M")
    assert pooled([seen, seen, memory])[0].mean == pytest.approx(0.4)
    alone = pooled([memory])[0]
    assert (alone.mean, alone.tag) == (9.0, "M")


def test_one_cohort_alone_takes_those_from_memory_for_its_spread() -> None:
    """Spleen: Gupta 1.17 ± 0.14 (61) alone would claim 12 %; the label's 20 patients differ."""
    spleen = next(r for r in pooled(table("177Lu-DOTATATE")) if r.organ == "spleen")
    assert spleen.tag == "M"
    assert spleen.n == 81
    assert spleen.sd is not None
    assert spleen.sd / spleen.mean > 0.3


def test_another_agent_does_not_count_where_the_own_has_rows() -> None:
    own, other = row("kidney", 0.4, 0.1, 10), row("kidney", 9.0, 0.1, 99, agent="177Lu-DOTATOC")
    assert pooled([own, other], agent="Lu-177 DOTATATE")[0].mean == pytest.approx(0.4)
    assert pooled([other], agent="Lu-177 DOTATATE")[0].mean == pytest.approx(9.0)


@given(st.lists(st.tuples(st.floats(0.1, 5), st.floats(0.01, 2), st.integers(2, 400)),
                min_size=1, max_size=6))  # fmt: skip
def test_the_pooled_spread_is_that_of_all_patients_together(
    rows: list[tuple[float, float, int]],
) -> None:
    """Moments of the mixture, by hand."""
    found = pooled([row("liver", m, s, n) for m, s, n in rows])[0]
    total = sum(n for *_, n in rows)
    mean = sum(n * m for m, _, n in rows) / total
    square = sum(n * (s * s + m * m) for m, s, n in rows) / total
    assert found.mean == pytest.approx(mean)
    assert found.sd == pytest.approx(sqrt(square - mean**2), rel=1e-6)
    assert min(m for m, *_ in rows) <= found.mean * (1 + 1e-12)


def test_the_report_is_one_page_that_says_what_it_is(tmp_path: Path) -> None:
    files = contents(level_one(tmp_path))
    pages = PdfReader(BytesIO(files["report.pdf"])).pages
    assert len(pages) == 1
    text = " ".join(pages[0].extract_text().split())
    for words in ("was not measured in this patient", "as expected", "Willowson 2018",
                  "Level 1.", "−1.4 %"):  # fmt: skip
        assert words in text, words


def test_the_page_stays_one_with_long_texts(tmp_path: Path) -> None:
    long = {**SEEN, "words": "seen in many places, " * 30}
    files = contents(level_one(tmp_path, verification=long))
    assert len(PdfReader(BytesIO(files["report.pdf"])).pages) == 1


def test_result_and_table_hold_every_dose(tmp_path: Path) -> None:
    result = level_one(tmp_path)
    files = contents(result)
    document = json.loads(files["result.json"])
    assert len(document["cohort"]) == len(result.cohort) > 3
    assert document["delivery"]["as_expected"] is True
    kidney = document["cohort"][0]
    assert kidney["dose_gy"]["value"] == result.cohort[0].dose_gy.value
    assert files["tables/cohort.csv"].decode().count("\r\n") == len(result.cohort) + 1


def test_every_published_row_used_is_in_the_trace(tmp_path: Path) -> None:
    result = level_one(tmp_path)
    named = {c.source for c in result.trace.constants}
    assert {s for d in result.cohort for s in d.sources} <= named
