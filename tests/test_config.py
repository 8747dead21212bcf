"""dataset.toml: what is read, what is refused, and how clearly."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.config import load_config
from logoingest.errors import ConfigError

MINIMAL = """
[dataset]
name = "logos"
workspace = "work/logos"
[[sources]]
path = "answers.csv"
[labels]
class_map = "map.toml"
"""


def write(folder: Path, text: str = MINIMAL) -> Path:
    file = folder / "dataset.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_minimal_file_gets_every_default(tmp_path):
    """Only name, workspace, a source and a class map must be said."""
    config = load_config(write(tmp_path), environ={})
    assert config.fetch.concurrency == 64
    assert config.splits.shares == {"train": 0.7, "validation": 0.15, "test": 0.15}


def test_relative_paths_are_relative_to_the_file(tmp_path):
    """The working directory does not matter."""
    config = load_config(write(tmp_path), environ={})
    assert config.workspace_url == str(tmp_path / "work/logos")
    assert config.resolve("map.toml") == tmp_path / "map.toml"


def test_a_workspace_url_is_left_alone(tmp_path):
    """s3://bucket/prefix is not a path."""
    config = load_config(write(tmp_path), ["dataset.workspace=s3://bucket/logos"], {})
    assert config.workspace_url == "s3://bucket/logos"


def test_set_beats_environment_beats_file(tmp_path):
    """The nearer to the command, the stronger."""
    file = write(tmp_path, MINIMAL + "[fetch]\nconcurrency = 1\nper_host = 1\nmax_attempts = 1\n")
    environ = {"LOGOINGEST_FETCH__CONCURRENCY": "2", "LOGOINGEST_FETCH__PER_HOST": "2"}
    config = load_config(file, ["fetch.concurrency=3"], environ)
    assert (config.fetch.concurrency, config.fetch.per_host, config.fetch.max_attempts) == (3, 2, 1)


def test_overrides_may_be_a_mapping_and_reach_a_source(tmp_path):
    """A library passes values, not text; sources are numbered from 0."""
    config = load_config(write(tmp_path), {"sources.0.path": "other.csv", "train.enabled": False}, {})
    assert config.sources[0].path == "other.csv"
    assert not config.train.enabled


def test_every_fault_is_in_one_message(tmp_path):
    """Nobody fixes a file one error at a time."""
    file = write(
        tmp_path,
        MINIMAL.replace('path = "answers.csv"', 'pth = "answers.csv"') + '[fetch]\nper_host = "many"\n[splits]\ntrain = 0.9\n',
    )
    with pytest.raises(ConfigError) as caught:
        load_config(file, ["nonsense"], {})
    text = str(caught.value)
    for part in (
        "sources[0].pth",
        "sources[0].path: is missing",
        "fetch.per_host",
        "train + validation + test = 1.2",
        "--set nonsense",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("[fetch]\nconcurency = 3", 'did you mean "concurrency"?'),
        ("[fetsh]\nx = 1", 'did you mean "fetch"?'),
        ("[train]\nzzz = 1", "known here:"),
    ],
)
def test_an_unknown_key_is_refused_with_a_suggestion(tmp_path, line, hint):
    """A typo never becomes a silent default."""
    with pytest.raises(ConfigError, match="unknown key") as caught:
        load_config(write(tmp_path, MINIMAL + line), environ={})
    assert hint in str(caught.value)


def test_a_fault_of_an_override_names_the_override(tmp_path):
    """The message points to where the value came from."""
    with pytest.raises(ConfigError, match="LOGOINGEST_FETCH__CONCURRENCY"):
        load_config(write(tmp_path), environ={"LOGOINGEST_FETCH__CONCURRENCY": "-1"})


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[dataset", b"base_dir = 'x'\n" + MINIMAL.encode()])
def test_what_is_no_config_is_one_clear_error(tmp_path, content):
    """Broken TOML, other encodings and reserved names are config errors."""
    file = tmp_path / "dataset.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"dataset\.toml"):
        load_config(file, environ={})


def test_a_missing_file_says_how_to_make_one(tmp_path):
    """The first thing a newcomer does wrong."""
    with pytest.raises(ConfigError, match="init FOLDER --from FILE"):
        load_config(tmp_path / "dataset.toml", environ={})


@given(name=st.text(max_size=30), value=st.text(max_size=30))
def test_no_override_crashes(tmp_path_factory, name, value):
    """Any --set is either taken or a ConfigError."""
    file = write(tmp_path_factory.mktemp("config"))
    try:
        load_config(file, [f"{name}={value}"], {})
    except ConfigError as error:
        assert error.exit_code == 2


def test_splits_have_any_names(tmp_path):
    """``[splits.shares]`` names them in order; the plain keys say the same afterwards, and a plain key alone still works."""
    text = "[splits.shares]\ntrain = 0.7\ncalibration = 0.1\ntest = 0.2\n"
    splits = load_config(write(tmp_path, MINIMAL + text), environ={}).splits
    assert list(splits.shares) == ["train", "calibration", "test"]
    assert (splits.train, splits.validation, splits.test) == (0.7, 0.0, 0.2)
    assert type(splits).model_validate(splits.model_dump()) == splits
    plain = load_config(write(tmp_path, MINIMAL + "[splits]\ntrain = 0.8\ntest = 0.05\n"), environ={}).splits
    assert plain.shares == {"train": 0.8, "validation": 0.15, "test": 0.05}
    override = load_config(write(tmp_path, MINIMAL + text), ["splits.shares.test=0.1", "splits.shares.hold_out=0.1"], {}).splits
    assert override.shares["hold_out"] == 0.1


def test_every_fault_of_the_splits_is_in_one_message(tmp_path):
    """Names that datasets, a file system or an export would stumble over, no train, shares that are no whole."""
    text = "[splits]\ntest = 0.4\n[splits.shares]\nTrain = 0.7\nall = 0.1\nval = 0.1\n'a-b' = 0.3\n"
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, MINIMAL + text), environ={})
    for part in (
        "'Train' cannot name a split (lower-case letters",
        "'all' cannot name a split (datasets means every split by it)",
        "'val' cannot name a split (exports write validation as val",
        "'a-b' cannot name a split",
        "test = 0.4 stands beside shares, which says 0",
        "train must be larger than 0",
        "Train + all + val + a-b = 1.2, not 1",
    ):
        assert part in str(caught.value)


def test_there_are_sixteen_splits_at_most(tmp_path):
    """And one share out of range is named with its split."""
    shares = "".join(f"s{number} = 0.01\n" for number in range(16))
    with pytest.raises(ConfigError, match="17 splits, more than 16"):
        load_config(write(tmp_path, MINIMAL + f"[splits.shares]\ntrain = 0.84\n{shares}"), environ={})
    with pytest.raises(ConfigError, match=r"splits\.shares\.test: .*less than or equal to 1, not 2"):
        load_config(write(tmp_path, MINIMAL + "[splits.shares]\ntrain = 0.5\ntest = 2\n"), environ={})


def test_the_file_of_weights_may_bear_the_models_name():
    """A sweep varies the model; what is no plain name of a file becomes one."""
    from logoingest.config import TrainConfig

    assert TrainConfig(model="timm/xception", weights="w/{model}.pth").weights_file == "w/timm_xception.pth"
    assert TrainConfig(weights="imagenet").weights_file is None


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"space": {"lrr": [0.1]}}, 'did you mean "lr"'),
        ({"space": {"lr": [0.1, -1.0]}}, "space.lr: -1.0"),
        ({"space": {"seed": [1, 2]}}, "repeats are what tries other seeds"),
        ({"screen": {"epoch": 4}}, 'sweep.screen.epoch: there is no train.epoch; did you mean "epochs"'),
        ({"screen": {"epochs": -1}}, "sweep.screen.epochs: -1"),
        ({"screen": {"lr": 0.1}, "space": {"lr": [0.1, 0.2]}}, "it is in space too"),
        ({"space": {"lr": {"low": 0.1, "high": 0.01}}}, "is not below"),
        ({"metric": "test.top1"}, "opened once"),
        ({"prune": "wilcoxon", "folds": 3}, "set it to 5 or more"),
    ],
)
def test_a_sweep_that_cannot_be_meant_is_refused(section, said):
    """Settings that are not there, values that [train] refuses, choosing by test."""
    from pydantic import ValidationError

    from logoingest.config import Config

    data = {"dataset": {"name": "x", "workspace": "w"}, "sources": [{"path": "a.csv"}], "labels": {"class_map": "m.toml"}}
    with pytest.raises(ValidationError, match=said):
        Config.model_validate({**data, "sweep": section})
