"""The documentation does what it says: examples run, commands parse, links lead somewhere."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from pydantic import BaseModel

from quimby import protocols, therapies
from quimby.cli.app import app
from quimby.core.notes import catalogue
from quimby.devices.camera import CameraRecord
from quimby.report import json as result_json
from quimby.study.answers import SHORT, parse_answers
from quimby.study.document import StudyDocument, parse_study
from quimby.study.records import AdministrationRecord, FillRecord, parse_administration
from tests.sample_result import sample_result

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def pages() -> list[Path]:
    """README and every page of the documentation."""
    found = [p for p in sorted(DOCS.rglob("*.md")) if "_build" not in p.parts]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *found]


@cache
def text(page: Path) -> str:
    return page.read_text("utf-8")


def blocks(*languages: str) -> Iterator[tuple[str, str]]:
    """Fenced blocks in these languages, as (name for the test, content)."""
    for page in pages():
        for number, (language, content) in enumerate(FENCE.findall(text(page)), start=1):
            if language in languages:
                yield f"{page.relative_to(ROOT)}#{number}", content


def named(found: Iterator[tuple[str, str]]) -> Any:
    return [pytest.param(content, id=name) for name, content in found]


def commands() -> Iterator[tuple[str, str]]:
    """Lines of shell blocks that call quimby, without their comments."""
    for name, content in blocks("bash"):
        for line in content.splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] in ("quimby", "./quimby"):
                yield f"{name}: {' '.join(words[1:4])}", line


UsageError: Any = typer.BadParameter.__base__
"""Typer's own Click or the separate package: whichever this Typer stands on."""


def parsed(words: list[str]) -> Any:
    """The context of the innermost command; a UsageError where the words do not parse."""
    command: Any = typer.main.get_command(app)
    name, parent = "quimby", None
    while hasattr(command, "commands"):
        parent = command.make_context(name, [], parent=parent, resilient_parsing=True)
        name, *words = words
        if name not in command.commands:
            raise UsageError(f"there is no command called {name}")
        command = command.commands[name]
    return command.make_context(name, list(words), parent=parent)


@pytest.mark.parametrize("line", named(commands()))
def test_every_command_shown_parses(line: str) -> None:
    context = parsed(shlex.split(line, comments=True)[1:])

    parse_answers(context.params.get("answers") or [])


def test_a_command_with_a_wrong_option_would_be_noticed() -> None:
    with pytest.raises(UsageError):
        parsed(["run", "FOLDER", "--out-folder", "OUT"])
    with pytest.raises(UsageError):
        parsed(["calibrate", "planar", "SCAN"])


def called() -> set[tuple[str, ...]]:
    """Commands named inside sentences, and in the remedies of messages."""
    said = chain(
        *(re.findall(r"`(?:\./)?quimby ([^`]*)`", text(p)) for p in pages()),
        *(re.findall(r"quimby ((?:[a-z]+ ?){1,2})", row.do) for row in catalogue().values()),
    )
    return {tuple(re.match(r"(?:[a-z]+(?:-[a-z]+)* ?)*", s)[0].split()[:2]) for s in said}  # type: ignore[index]


def test_every_command_named_in_a_sentence_or_remedy_exists() -> None:
    top: Any = typer.main.get_command(app)

    for words in filter(None, called()):
        inner = top.commands.get(words[0])
        assert inner is not None, f"quimby {' '.join(words)}"
        if hasattr(inner, "commands") and len(words) > 1:
            assert words[1] in inner.commands, f"quimby {' '.join(words)}"


@pytest.mark.parametrize("code", named(blocks("python")))
def test_python_examples_run(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = sample_result(pictures=False)
    (tmp_path / "OUT").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "OUT" / "result.json").write_text(result_json.text(result), "utf-8")
    (tmp_path / "docs" / "page.md").write_text("not DICOM", "utf-8")
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {"result": result}

    compile(code, "example", "exec")
    if "quimby.run(" in code:  # minutes: done whole by the slow test, here from its result on
        code = re.split(r"^result = quimby\.run\(.*\)$", code, flags=re.MULTILINE)[1]
    exec(code, scope)

    assert capsys.readouterr().out


@pytest.mark.slow
def test_the_readmes_example_runs_whole_on_the_demo_patient(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    if "slow" not in request.config.option.markexpr:
        pytest.skip("takes minutes: run with -m slow")
    from quimby.cli.drafting import draft_job
    from quimby.demo.make import make_patient

    make_patient(tmp_path / "patient")
    draft_job(tmp_path / "patient", tmp_path / "study.toml", quiet=True)
    monkeypatch.chdir(tmp_path)
    code = next(c for n, c in blocks("python") if n.startswith("README"))

    exec(code, {})

    assert "Kidney_L" in capsys.readouterr().out


@pytest.mark.parametrize("example", named(blocks("toml")))
def test_toml_examples_are_study_documents(example: str) -> None:
    study = parse_study(tomllib.loads(example), where="docs")

    assert study.therapy in therapies.names()
    assert protocols.load(study.protocol).therapy == study.therapy


@pytest.mark.parametrize("example", named(blocks("json")))
def test_json_examples_are_what_they_say(example: str) -> None:
    data = json.loads(example)
    if "assayed_at" in data:
        FillRecord.model_validate(data)
    elif "administered_at" in data:
        parse_administration(data, Path("docs"))
        assert data.keys() <= AdministrationRecord.model_fields.keys()
    else:
        assert data.keys() == {"value", "u", "budget", "lowers"}


def keys_of(model: type[BaseModel]) -> set[str]:
    """Every key of a document and of the parts inside it."""
    found = set(model.model_fields)
    for field in model.model_fields.values():
        for part in parts_of(field.annotation):
            found |= keys_of(part)
    return found


def parts_of(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in parts_of(inner)]


def words_in_code(page: str) -> set[str]:
    """Words that stand in code on a page, in sentences or in examples."""
    whole = text(DOCS / page)
    code = re.findall(r"`+([^`]+)`+", whole) + [c for _, c in FENCE.findall(whole)]
    return set(re.findall(r"\w+", " ".join(code)))


@pytest.mark.parametrize(
    ("page", "keys"),
    [
        ("study-document.md", keys_of(StudyDocument) | set(SHORT)),
        ("calibration.md", keys_of(CameraRecord) | keys_of(FillRecord)),
    ],
)
def test_every_key_is_explained(page: str, keys: set[str]) -> None:
    assert keys - words_in_code(page) == set()


def test_every_short_name_stands_with_its_path() -> None:
    whole = text(DOCS / "study-document.md")

    for short, path in SHORT.items():
        assert f"| `{short}` | `{path}` |" in whole


def json_keys(value: Any) -> set[str]:
    """Keys of the result, but for those that are names given by people or methods."""
    if isinstance(value, list):
        return set().union(*map(json_keys, value))
    if not isinstance(value, dict):
        return set()
    free = {"budget", "parameters", "half_lives_h", "libraries", "region_shift_mm"}
    inner = (json_keys(v) for k, v in value.items() if k not in free)
    return set(value).union(*inner)


def test_every_key_of_the_result_is_explained() -> None:
    document = result_json.document(sample_result(pictures=False))

    assert json_keys(document) - words_in_code("result-json.md") == set()


def links() -> Iterator[tuple[str, Path, str]]:
    for page in pages():
        for target in re.findall(r"\]\(([^)\s]+)\)", text(page)):
            if not re.match(r"[a-z]+:", target):
                yield f"{page.relative_to(ROOT)} -> {target}", page, target


@pytest.mark.parametrize(("page", "target"), [pytest.param(p, t, id=n) for n, p, t in links()])
def test_every_link_and_picture_is_there(page: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page

    assert file.exists()
    if anchor:
        assert anchor in anchors(file)


def anchors(page: Path) -> set[str]:
    """Headings as links name them, and labels set by hand."""
    titles = re.findall(r"^#+ (.+)$", text(page), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles)
    return set(plain) | set(re.findall(r"^\(([\w-]+)\)=$", text(page), re.MULTILINE))


def test_the_page_of_codes_is_current() -> None:
    spec = importlib.util.spec_from_file_location("make_codes", DOCS / "make_codes.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)

    assert text(DOCS / "codes.md") == made.page(), "run: python docs/make_codes.py"


def test_every_code_named_is_in_the_catalogue() -> None:
    for page in pages():
        named_codes = set(re.findall(r"\b[ESWI]-(?!\d)[A-Z0-9]+(?:-[A-Z0-9]+)*\b", text(page)))
        assert named_codes <= catalogue().keys(), page.name


def test_every_code_of_the_catalogue_stands_on_its_page() -> None:
    whole = text(DOCS / "codes.md")

    assert [code for code in catalogue() if f"`{code}`" not in whole] == []


def test_nothing_names_the_machine_it_was_written_on() -> None:
    for page in pages():
        assert re.findall(r"(?<![\w.<])/(?:home|work|tmp|Users|root)/", text(page)) == []
