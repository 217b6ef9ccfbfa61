"""quimby.toml: what a centre does not want to type each time. Environment goes before it.

Looked for in the folder where a command runs, then in each folder above. `QUIMBY_ZONE` and the
like, and an option on the command line, go before the file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from quimby.core.notes import refusal
from quimby.protocols.document import first_fault

NAME = "quimby.toml"


class Settings(BaseSettings):
    """A centre's settings. Paths are relative to the file."""

    model_config = SettingsConfigDict(env_prefix="QUIMBY_", extra="forbid", frozen=True)

    name: str = Field("", description="head of reports")
    zone: str = Field("", description="IANA zone of times that have none")
    centre: Path | None = Field(None, description="the centre's document")
    confirmed: Path | None = Field(None, description="constants that the centre confirmed")
    language: str = Field("en", description="of letters to patients")

    @field_validator("zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name) if name else None
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{name!r} is no time zone") from None
        return name

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class names it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """Environment first, then the file that `read` found."""
        file = _file(Path.cwd())
        found = () if file is None else (TomlConfigSettingsSource(settings_cls, file),)
        return (init_settings, env_settings, *found)


def _file(folder: Path) -> Path | None:
    above = (folder / NAME, *(parent / NAME for parent in folder.parents))
    return next((path for path in above if path.is_file()), None)


@cache
def settings() -> Settings:
    """The settings that hold here. E-SETTINGS names the key and what is wrong."""
    file = _file(Path.cwd())
    try:
        found = Settings()
    except tomllib.TOMLDecodeError as error:
        raise refusal("E-SETTINGS", where=str(file), key=NAME, why=error) from None
    except ValidationError as error:
        key, why = first_fault(error)
        where = str(file or "environment")
        raise refusal("E-SETTINGS", where=where, key=key, why=why) from None
    base = file.parent if file else Path.cwd()
    return found.model_copy(update={
        "centre": _under(base, found.centre), "confirmed": _under(base, found.confirmed),
    })  # fmt: skip


def _under(base: Path, path: Path | None) -> Path | None:
    return None if path is None else base / path


def for_a_draft(answers: Mapping[str, str], zone: str | None) -> tuple[dict[str, str], str | None]:
    """Answers and zone of a study that is drafted: what was typed, then what the settings say."""
    here = settings()
    usual = {"centre.name": here.name, "centre.confirmed": str(here.confirmed or "")}
    kept = {key: value for key, value in usual.items() if value}
    return {**kept, **answers}, zone or here.zone or None


def centre_or_refuse(given: Path | None) -> Path:
    """The centre's document: the option, else that of the settings; E-SETTINGS-CENTRE."""
    found = given or settings().centre
    if found is None:
        raise refusal("E-SETTINGS-CENTRE", where="--centre")
    return found
