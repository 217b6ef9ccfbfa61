"""The protocol of a study: one that ships, or the centre's own file beside it."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from quimby import protocols
from quimby.core.errors import QuimbyError
from quimby.protocols.lifecycle import moved
from quimby.study.document import Study
from quimby.study.practice import protocol_of
from quimby.study.progress import Step
from quimby.study.run import run
from tests.readings_study import mibg_study

DAY = date(2026, 3, 2)
SHIPPED = files("quimby.protocols").joinpath("data", "MIBG-WB.toml")


def naming(study: Study, protocol: str) -> Study:
    document = study.document.model_copy(update={"protocol": protocol})
    return study.model_copy(update={"document": document})


def own(folder: Path, *changes: tuple[str, str]) -> None:
    text = SHIPPED.read_text("utf-8")
    for old, new in (('id = "MIBG-WB"', 'id = "OURS"'), *changes):
        assert old in text
        text = text.replace(old, new)
    (folder / "ours.toml").write_text(text, "utf-8")


def methods(result: Any) -> dict[str, str]:
    return dict(result.trace.methods)


def test_a_study_follows_the_centres_own_protocol(tmp_path: Path) -> None:
    study = mibg_study(tmp_path)
    own(tmp_path)
    shipped, ours = run(study), run(naming(study, "ours.toml"))
    assert ours.protocol == "OURS"
    assert ours.stages[0].doses[0].dose_gy.value == shipped.stages[0].doses[0].dose_gy.value


def test_the_trace_holds_the_text_of_the_protocol(tmp_path: Path) -> None:
    study = mibg_study(tmp_path)
    own(tmp_path)
    result = run(naming(study, "ours.toml"))
    entry = next(i for i in result.trace.inputs if i.role == "protocol")
    assert (entry.path, entry.files) == ("ours.toml", 1)
    assert protocol_of(naming(study, "ours.toml")).digest in methods(result)["protocol"]
    shipped = methods(run(study))["protocol"]
    assert shipped.startswith("MIBG-WB")
    assert protocols.load("MIBG-WB").digest in shipped


def test_any_change_but_the_status_changes_the_digest() -> None:
    text = SHIPPED.read_text("utf-8")
    base = protocols.read(text, where="a").digest
    reviewed = moved(text, protocols.read(text, where="a"), "reviewed", by="A", on=DAY)
    assert protocols.read(reviewed, where="a").digest == base
    assert protocols.read("# a comment\n" + text, where="a").digest == base
    other = text.replace('version = "', 'version = "9')
    assert protocols.read(other, where="a").digest != base


def test_a_protocol_that_changes_in_the_middle_of_a_run_changes_nothing(tmp_path: Path) -> None:
    study = mibg_study(tmp_path)
    own(tmp_path)
    before = run(naming(study, "ours.toml"))

    def spoil(_: Step) -> None:
        (tmp_path / "ours.toml").write_text("no protocol at all", "utf-8")

    during = run(naming(study, "ours.toml"), progress=spoil)
    assert (during.trace, during.notes) == (before.trace, before.notes)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(QuimbyError) as error:
        run(naming(mibg_study(tmp_path), "ours.toml"))
    assert error.value.code == "E-STUDY-FILE"
    assert "ours.toml" in str(error.value)


def test_a_protocol_of_another_therapy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QuimbyError) as error:
        run(naming(mibg_study(tmp_path), "LU-FULL"))
    assert error.value.code == "E-STUDY-PROTOCOL"
    assert "lu177-dotatate" in str(error.value)
    assert "i131-mibg" in str(error.value)


def test_a_result_says_that_its_protocol_is_a_draft(tmp_path: Path) -> None:
    assert "I-PROTOCOL-DRAFT" in [n.code for n in run(mibg_study(tmp_path)).notes]


def test_a_result_by_an_active_protocol_does_not(tmp_path: Path) -> None:
    study = mibg_study(tmp_path)
    own(tmp_path)
    path = tmp_path / "ours.toml"
    for state, by in (("reviewed", "A. One"), ("active", "B. Two")):
        text = path.read_text("utf-8")
        path.write_text(moved(text, protocols.load_file(path), state, by=by, on=DAY), "utf-8")  # type: ignore[arg-type]
    result = run(naming(study, "ours.toml"))
    assert "I-PROTOCOL-DRAFT" not in [n.code for n in result.notes]
    assert "; active;" in methods(result)["protocol"]


def test_a_missing_reading_tells_what_it_costs(tmp_path: Path) -> None:
    study = mibg_study(tmp_path)
    added = '[[acquisition]]\nid = "late"\nkind = "whole_body"\nwindow_h = [300.0, 320.0]\n\n'
    own(tmp_path, ("[readings]", added + "[readings]"))
    notes = {n.code: n for n in run(naming(study, "ours.toml")).notes}
    assert "W-PROTOCOL-MISSING" in notes
    told = notes["I-PROTOCOL-DOUBT"]
    assert told.where == "whole body"
    assert told.limit == protocols.load("MIBG-WB").uncertainty.u_rel  # type: ignore[union-attr]
