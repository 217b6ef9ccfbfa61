"""Slips of hand that cost patients: each from a file, through the public functions, by its name."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from quimby.core.errors import QuimbyError
from quimby.core.time import hours_between
from quimby.core.uncertain import Uncertain
from quimby.devices.counting import Counting
from quimby.dose.blood import blood_dose_one_reading
from quimby.dose.thyroid import target_mass
from quimby.kinetics.retention import as_effective
from quimby.kinetics.thyroid import two_compartments, washout_only
from quimby.measure import whole_body as body
from quimby.measure.readings import checks
from quimby.measure.readings.mapping import ColumnMap
from quimby.measure.readings.reading import Reading, read
from quimby.measure.readings.suggest import suggest, with_answers
from quimby.measure.readings.table import read_table
from quimby.measure.uptake import check_uptake, sensitivity, uptake
from quimby.physics.decay import decay_factor
from quimby.physics.nuclides import nuclide

IODINE_H = nuclide("I-131").half_life_h.value
GIVEN_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
GIVEN_MBQ = Uncertain(5000.0, {"activity meter": 150.0})
NOW = datetime(2026, 3, 9, tzinfo=UTC)
WHOLE_BODY = "time;front [µSv/h];back [µSv/h];background [µSv/h];voided\n"


def rows(folder: Path, text: str, route: str, **answers: object) -> tuple[Reading, ...]:
    """Readings of a real file, as a person confirmed it."""
    path = folder / f"{route}.csv"
    path.write_text(text, "utf-8")
    table = read_table(path)
    suggested = suggest(table, route, zone="Europe/Berlin")
    columns: ColumnMap = with_answers(suggested, **answers).confirmed("K. Lind", NOW)
    return read(table, columns).readings


def refused(folder: Path, text: str, route: str, **answers: object) -> QuimbyError:
    with pytest.raises(QuimbyError) as error:
        rows(folder, text, route, **answers)
    return error.value


def hours(readings: tuple[Reading, ...]) -> list[float]:
    return [hours_between(GIVEN_AT, r.at) for r in readings if r.at is not None]


def monitor(r: Reading) -> body.Reading:
    """A row as the whole-body chain takes it."""
    time_h = hours((r,))[0]
    front, back, room = (
        Uncertain(r.value(k), {f"reading, {k} {time_h:g} h": 0.01 * r.value(k)})
        for k in ("front", "back", "background")
    )
    return body.Reading(time_h, front, back, room)


def retained(readings: tuple[Reading, ...]) -> body.WholeBody:
    first, *later = (monitor(r) for r in readings)
    return body.whole_body(first, later, administered_mbq=GIVEN_MBQ, half_life_h=IODINE_H)


# Decay-corrected for effective


def uptakes(folder: Path, values: tuple[float, ...], said: str) -> list[tuple[float, Uncertain]]:
    days = ("3.3.2026 10:00", "5.3.2026 10:00", "8.3.2026 10:00")
    text = "time;uptake [%];decay-corrected\n" + "".join(
        f"{day};{value:.2f};{said}\n" for day, value in zip(days, values, strict=True)
    )
    found = rows(folder, text, "thyroid_uptake")
    return [
        (t, as_effective(Uncertain(r.value("uptake"), {f"counts, {t:g} h": 0.01}), t,
                         decay_corrected=r.answers["decay_corrected"] == "yes",
                         half_life_h=IODINE_H))
        for t, r in zip(hours(found), found, strict=True)
    ]  # fmt: skip


def test_decay_corrected_uptakes_entered_as_effective_ones_are_asked_about(tmp_path: Path) -> None:
    """A thyroid that keeps what it took up for 100 days: corrected values hardly fall."""
    corrected = (45.0, 44.4, 43.5)
    times, values = zip(*uptakes(tmp_path, corrected, "no"), strict=True)
    for fit in (washout_only, two_compartments):
        with pytest.raises(QuimbyError) as error:
            fit(times, values, physical_half_life_h=IODINE_H)
        assert error.value.code in ("E-TIA-TEFF-GT-TPHYS", "E-TIA-UNSEEN")
    with pytest.raises(QuimbyError, match="decay-corrected already"):
        washout_only(times, values, physical_half_life_h=IODINE_H)

    times, values = zip(*uptakes(tmp_path, corrected, "yes"), strict=True)
    curve = washout_only(times, values, physical_half_life_h=IODINE_H)
    assert curve.half_life_h is not None
    assert curve.half_life_h.value == pytest.approx(178, abs=5)


def test_a_decay_corrected_retention_entered_as_effective_is_refused(tmp_path: Path) -> None:
    """Stored without a loss, corrected to the administration: 100 % after four days.

    Two days would not do: decay takes 16 %, and two readings are known to 8 % each.
    """
    text = (WHOLE_BODY + "2.3.2026 10:05;41;37;0,1;no\n"
            "6.3.2026 10:05;40,8;36,8;0,1;yes\n")  # fmt: skip
    with pytest.raises(QuimbyError) as error:
        retained(rows(tmp_path, text, "whole_body"))
    assert error.value.code == "E-RETENTION-GT-PHYS"
    assert "may be decay-corrected" in error.value.do

    with pytest.raises(QuimbyError, match="E-RETENTION-GT-PHYS"):
        blood_dose_one_reading(Uncertain(0.9), 48.0, weight_kg=Uncertain(70.0),
                               blood_volume_ml=Uncertain(5000.0), half_life_h=IODINE_H)  # fmt: skip


# A unit's slip


def test_millimetres_entered_as_centimetres_are_refused(tmp_path: Path) -> None:
    text = "lobe;length [cm];width [cm];depth [cm]\nright;50;20;18\nleft;48;19;17\n"
    error = refused(tmp_path, text, "ultrasound")
    assert error.code == "E-READ-SLIP"
    assert "in mm it would be inside" in error.what

    accepted = rows(tmp_path, text, "ultrasound", accept=("length", "width", "depth"))
    lobes = [tuple(r.value(k) / 10 for k in ("length", "width", "depth")) for r in accepted]
    with pytest.raises(QuimbyError, match="E-VOLUME-RANGE"):
        target_mass(lobes)

    right = rows(tmp_path, text.replace("[cm]", "[mm]"), "ultrasound")
    lobes = [tuple(r.value(k) / 10 for k in ("length", "width", "depth")) for r in right]
    assert target_mass(lobes).volume_ml.value == pytest.approx(17.5, abs=0.2)


def test_per_cent_entered_as_a_fraction_and_the_other_way_are_refused(tmp_path: Path) -> None:
    head = "time;uptake [{}];decay-corrected\n3.3.2026 10:00;{};no\n"
    error = refused(tmp_path, head.format("fraction", "38"), "thyroid_uptake")
    assert error.code == "E-READ-SLIP"
    assert "in % it would be inside" in error.what
    error = refused(tmp_path, head.format("%", "0,38"), "thyroid_uptake")
    assert error.code == "E-READ-SLIP"
    assert "a fraction of one" in error.what

    with pytest.raises(QuimbyError, match="not per cent"):
        check_uptake(38.0, 24.0, where="thyroid")
    with pytest.raises(QuimbyError, match="not per cent"):
        body.check_retention(12.0, 48.0, where="whole body")


def test_becquerel_entered_as_megabecquerel_are_refused(tmp_path: Path) -> None:
    text = "time;activity [MBq];complete\n2.3.2026 14:00;1250000000;yes\n"
    error = refused(tmp_path, text, "urine")
    assert error.code == "E-READ-SLIP"
    assert "in Bq" in error.what
    assert "cell B2" in error.where
    (found,) = rows(tmp_path, text.replace("[MBq]", "[Bq]"), "urine")
    assert found.value("activity") == pytest.approx(1250.0)

    with pytest.raises(QuimbyError, match="E-ACTIVITY-RANGE"):
        body.reference_activity(Uncertain(5e9), 0.1, half_life_h=IODINE_H)


# Clocks


def test_an_hour_that_stands_twice_is_refused_by_name(tmp_path: Path) -> None:
    text = (WHOLE_BODY + "24.10.2026 10:00;41;37;0,1;no\n25.10.2026 02:30;21;19;0,1;yes\n"
            "25.10.2026 10:00;12;10;0,1;yes\n")  # fmt: skip
    error = refused(tmp_path, text, "whole_body")

    assert error.code == "E-TIME-DST"
    assert "stands twice" in error.what
    assert "cell A3" in error.where
    for offset, later in (("+02:00", 16.5), ("+01:00", 17.5)):
        told = rows(tmp_path, text.replace("02:30", f"02:30{offset}"), "whole_body")
        assert hours_between(told[0].at, told[1].at) == later  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("days", "wanted_s"),
    [
        (("24.10.2026 10:00:07", "25.10.2026 10:00:00"), 25 * 3600 - 7),
        (("28.3.2026 10:00:07", "29.3.2026 10:00:00"), 23 * 3600 - 7),
        (("2.3.2026 10:00:07", "3.3.2026 10:00:00"), 24 * 3600 - 7),
    ],
)  # fmt: skip
def test_an_interval_across_a_change_of_the_clocks_is_right_to_the_second(
    days: tuple[str, str], wanted_s: int, tmp_path: Path
) -> None:
    text = WHOLE_BODY + f"{days[0]};41;37;0,1;no\n{days[1]};12;10;0,1;yes\n"
    first, second = rows(tmp_path, text, "whole_body")

    assert first.at is not None
    assert second.at is not None
    assert round(hours_between(first.at, second.at) * 3600, 6) == wanted_s


# Whole body


def test_a_missing_reference_reading_is_named_with_its_patient(tmp_path: Path) -> None:
    head = WHOLE_BODY.replace("time", "patient;time")
    text = head + "0000-77;2.3.2026 12:30;41;37;0,1;yes\n0000-77;3.3.2026 10:00;12;10;0,1;yes\n"
    found = rows(tmp_path, text, "whole_body")
    with pytest.raises(QuimbyError) as error:
        checks.reference(found)
    assert error.value.code == "E-NO-REFERENCE"
    assert "row 2, patient 0000-77" in error.value.where
    assert "is after voiding" in error.value.what

    (series,) = checks.series(found)
    assert [e.code for e in series.problems] == ["E-NO-REFERENCE"]
    with pytest.raises(QuimbyError, match="E-NO-REFERENCE"):
        body.whole_body(monitor(found[0]), [monitor(found[1])], administered_mbq=GIVEN_MBQ,
                        half_life_h=IODINE_H, voided_before_reference=True)  # fmt: skip


def test_a_rising_retention_is_named_at_the_table_and_blocks_signing_later(tmp_path: Path) -> None:
    text = (WHOLE_BODY + "2.3.2026 10:05;41;37;0,1;no\n2.3.2026 18:05;18;16;0,1;yes\n"
            "3.3.2026 10:05;22;20;0,1;yes\n")  # fmt: skip
    found = rows(tmp_path, text, "whole_body")

    (risen,) = checks.rising(found)
    assert risen.code == "W-READ-RISING"
    assert "row 4" in risen.where
    assert "row 3" in risen.text
    blocking = [n for n in retained(found).notes if n.severity == "blocking"]
    assert [n.code for n in blocking] == ["S-RETENTION-RISING"]


def test_a_reading_not_above_its_background_is_refused(tmp_path: Path) -> None:
    text = WHOLE_BODY + "2.3.2026 10:05;41;37;0,1;no\n8.3.2026 10:05;0,15;0,09;0,1;yes\n"
    found = rows(tmp_path, text, "whole_body")
    with pytest.raises(QuimbyError) as error:
        checks.check_net(found)
    assert error.value.code == "E-NET-NONPOSITIVE"
    assert "cell C3" in error.value.where
    with pytest.raises(QuimbyError, match="E-NET-NONPOSITIVE"):
        retained(found)


# Thyroid probe


PROBE = ("time;neck [counts];thigh [counts];standard [counts];room [counts];live time [s]\n"
         "3.3.2026 10:00;{};9600;1203600;3600;300\n")  # fmt: skip


def seen(r: Reading) -> float:
    """Uptake of one row, by the standard counted with it."""
    t = hours((r,))[0]
    neck, thigh, standard, room = (
        Counting(r.value(k), r.quantities[k].live_s or 0.0, f"{k} {t:g} h")
        for k in ("neck", "thigh", "standard", "room")
    )
    probe = sensitivity(standard, room, standard_mbq=Uncertain(4.0))
    found = uptake(neck, thigh, time_h=t, seen=probe, administered_mbq=Uncertain(4.0),
                   half_life_h=IODINE_H)  # fmt: skip
    return found.effective.value


def test_a_neck_that_counts_less_than_the_thigh_is_refused(tmp_path: Path) -> None:
    (good,) = rows(tmp_path, PROBE.format(184500), "thyroid_counts")
    assert seen(good) == pytest.approx((184500 - 9600) / (1203600 - 3600))
    (bad,) = rows(tmp_path, PROBE.format(9100), "thyroid_counts")
    with pytest.raises(QuimbyError) as error:
        checks.check_net([bad])
    assert error.value.code == "E-NET-NONPOSITIVE"
    assert "cell B2" in error.value.where
    with pytest.raises(QuimbyError, match="E-NET-NONPOSITIVE"):
        seen(bad)


def test_readings_that_are_right_pass_every_check(tmp_path: Path) -> None:
    """The catches do not cry wolf: a biological half-life of 20 h, read without a slip."""
    text = WHOLE_BODY
    for day, clock in ((2, "10:05"), (2, "18:05"), (3, "10:05"), (4, "10:05"), (5, "10:05")):
        t = hours_between(GIVEN_AT, datetime(2026, 3, day, int(clock[:2]) - 1, 5, tzinfo=UTC))
        net = 40 * decay_factor(t, IODINE_H) * decay_factor(t, 20.0)
        text += f"{day}.3.2026 {clock};{net + 0.1:.2f};{0.9 * net + 0.1:.2f};0,1;"
        text += "no\n" if (day, clock) == (2, "10:05") else "yes\n"
    found = rows(tmp_path, text, "whole_body")

    (series,) = checks.series(found)
    assert (series.problems, series.notes) == ((), ())
    result = retained(found)
    assert [n.code for n in result.notes] == []
    assert all(b.value < a.value for a, b in pairwise(result.retention))
