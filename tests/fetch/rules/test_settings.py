"""The fetch's settings: the config's keys, each with one default."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

from logoingest.config import FetchConfig
from logoingest.fetch.rules.settings import FetchSettings


def test_the_defaults_are_those_of_the_config() -> None:
    """Whoever makes settings by hand fetches as an empty [fetch] section does, but for the version in the User-Agent."""
    made = FetchSettings.from_config(FetchConfig(), Path(), {})
    assert replace(made, user_agent=FetchSettings().user_agent) == FetchSettings()


def test_a_key_of_the_config_is_taken_over_by_its_name() -> None:
    """No key is forgotten: what is called alike in both, and is a number, is the same in both."""
    config = FetchConfig()
    shared = {field.name for field in fields(FetchSettings)} & FetchConfig.model_fields.keys()
    numbers = {name: value + 1 for name in shared if isinstance(value := getattr(config, name), int | float)}
    settings = FetchSettings.from_config(FetchConfig.model_validate(config.model_dump() | numbers), Path(), {})
    assert len(numbers) > 15
    assert {name: getattr(settings, name) for name in numbers} == numbers
