"""dataset.toml: what may stand in it (``sections``) and how it is read (``reading``).

Names are loaded when they are first used: a fetch process needs the section of its own and no other, and every section is a model that
takes its time to be made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.imports.lazy import load_lazily

if TYPE_CHECKING:
    from logoingest.config.fetch_section import FetchConfig
    from logoingest.config.kept_columns import find_kept_fault
    from logoingest.config.reading import ENV_PREFIX, load_config
    from logoingest.config.sections import (
        Config,
        DatasetConfig,
        ImagesConfig,
        LabelsConfig,
        ReleaseConfig,
        ReportConfig,
        SamplesConfig,
        SplitsConfig,
        TrainConfig,
        find_name_fault,
    )
    from logoingest.config.source_section import SourceConfig
    from logoingest.config.toml_table import Section

_HOMES = {
    "fetch_section": ("FetchConfig",),
    "kept_columns": ("find_kept_fault",),
    "reading": (
        "ENV_PREFIX",
        "load_config",
    ),
    "sections": (
        "Config",
        "DatasetConfig",
        "ImagesConfig",
        "LabelsConfig",
        "ReleaseConfig",
        "ReportConfig",
        "SamplesConfig",
        "SplitsConfig",
        "TrainConfig",
        "find_name_fault",
    ),
    "source_section": ("SourceConfig",),
    "toml_table": ("Section",),
}

__all__ = [
    "ENV_PREFIX",
    "Config",
    "DatasetConfig",
    "FetchConfig",
    "ImagesConfig",
    "LabelsConfig",
    "ReleaseConfig",
    "ReportConfig",
    "SamplesConfig",
    "Section",
    "SourceConfig",
    "SplitsConfig",
    "TrainConfig",
    "find_kept_fault",
    "find_name_fault",
    "load_config",
]

__getattr__ = load_lazily(__name__, _HOMES)
