"""dataset.toml: what may stand in it (``sections``) and how it is read (``reading``)."""

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
