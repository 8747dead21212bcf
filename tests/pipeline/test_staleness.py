"""When a stage must run again: every input counts by its name, and is told by it; nothing else counts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.pipeline.session import Run
from logoingest.pipeline.spec import StageOutput, StageSpec
from logoingest.pipeline.staleness import collect_inputs, explain_staleness, hash_made, hash_output, hash_source
from logoingest.workspace import Manifest, StageRecord, Workspace
from logoingest.workspace.manifest import FileRecord

HASHES = st.text("0123456789abcdef", min_size=1, max_size=4)


def record(inputs=None, **outputs: str) -> StageRecord:
    files = {name: FileRecord(digest, 3) for name, digest in outputs.items()}
    return StageRecord(inputs=inputs or {}, outputs=files, counts={}, finished_at="", elapsed_s=0.0)


def declare(settings=None, further=lambda _run, _manifest: {}) -> StageSpec:
    """A stage that reads one file of another and all files below a folder of a third."""
    reads = {"tables/a.parquet": "first", "downloads/": "second"}
    return StageSpec("toy", 1, (), reads, lambda run: StageOutput({}, {}), "a toy", settings=settings, further_inputs=further)


@pytest.fixture
def run(tmp_path) -> Run:
    return SimpleNamespace(config=SimpleNamespace(share=0.5), workspace=Workspace(tmp_path / "work"))


def make_manifest(run, spec, **changes) -> Manifest:
    """All three have run; ``toy`` from what is there now."""
    stages = {
        "first": record(**{"tables/a.parquet": "1"}),
        "second": record(**{"downloads/0": "2", "downloads/1": "3", "log": "9"}),
    }
    manifest = Manifest(stages={**stages, **changes})
    toy = StageRecord(
        inputs=collect_inputs(run, spec, Manifest(stages=stages)), outputs={}, counts={}, finished_at="", elapsed_s=0.0
    )
    manifest.stages["toy"] = toy
    return manifest


def test_a_stage_that_never_ran_must_run(run):
    assert explain_staleness(run, declare(), Manifest()) == "never run"


def test_a_stage_whose_inputs_are_as_they_were_need_not_run(run):
    """A file beside those that it reads is none of its inputs."""
    spec = declare()
    manifest = make_manifest(run, spec)
    assert explain_staleness(run, spec, manifest) is None
    manifest.stages["second"].outputs["log"] = FileRecord("other", 3)
    assert explain_staleness(run, spec, manifest) is None


@pytest.mark.parametrize(
    ("second", "changed"),
    [
        ({"downloads/0": "2", "downloads/1": "4"}, "downloads/"),
        ({"downloads/0": "2"}, "downloads/"),
        ({"downloads/0": "2", "downloads/1": "3", "downloads/2": "5"}, "downloads/"),
        ({"downloads/0": "3", "downloads/1": "2"}, "downloads/"),
        ({"downloads/0": "2", "downloads/7": "3"}, "downloads/"),
    ],
)
def test_a_folder_is_the_names_and_contents_of_its_files(run, second, changed):
    spec = declare()
    assert explain_staleness(run, spec, make_manifest(run, spec, second=record(**second))) == f"changed: {changed}"


def test_every_changed_input_is_named(run):
    """Tables, settings, version and what the config names, in the order of the alphabet."""
    spec = declare(settings=lambda config: config.share, further=lambda _run, _manifest: {"class map": "m"})
    manifest = make_manifest(run, spec)
    manifest.stages["first"].outputs["tables/a.parquet"] = FileRecord("other", 3)
    run.config.share = 0.6
    later = spec._replace(version=2, further_inputs=lambda _run, _manifest: {"class map": "n"})
    assert explain_staleness(run, later, manifest) == "changed: class map, config, tables/a.parquet, version"


def test_an_input_that_came_or_went_is_a_change(run):
    """A stage that depends on something more, or on something less, than it did runs again."""
    spec, more = declare(), declare(further=lambda _run, _manifest: {"gold": "g"})
    assert explain_staleness(run, more, make_manifest(run, spec)) == "changed: gold"
    assert explain_staleness(run, spec, make_manifest(run, more)) == "changed: gold"


def test_an_output_that_is_missing_or_cut_short_comes_before_all_reasons(run):
    spec = declare()
    manifest = make_manifest(run, spec)
    manifest.stages["toy"].outputs["tables/toy.parquet"] = FileRecord("t", 3)
    assert explain_staleness(run, spec, manifest) == "its files are missing or cut short"
    run.workspace.write_bytes("tables/toy.parquet", b"ab")
    assert explain_staleness(run, spec, manifest) == "its files are missing or cut short"
    run.workspace.write_bytes("tables/toy.parquet", b"abc")
    assert explain_staleness(run, spec, manifest) is None


@given(
    st.dictionaries(st.sampled_from(["d/0", "d/1", "d/2", "d/3"]), HASHES),
    st.dictionaries(st.sampled_from(["d/0", "d/1", "d/2"]), HASHES),
)
def test_two_folders_hash_alike_only_if_they_are_alike(one, other):
    """Whatever their files are called and hold; a file that nobody has made hashes to nothing."""
    hashes = [hash_output(Manifest(stages={"made": record(**files)}), "made", "d/") for files in (one, other)]
    assert (hashes[0] == hashes[1]) == (one == other)
    assert hash_output(Manifest(), "made", "d/0") == ""


def test_a_source_is_a_file_a_folder_or_a_pattern(tmp_path):
    """A folder counts by its files' names and contents, however deep they lie; a pattern that finds nothing is no source."""
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/a.csv").write_text("a")
    (tmp_path / "in/deep/b.csv").write_text("b")
    whole, pattern = hash_source(tmp_path / "in"), hash_source(tmp_path / "in/*.csv")
    assert (
        len({whole, pattern, hash_source(tmp_path / "in/a.csv"), hash_source(tmp_path / "in/none*"), hash_source(tmp_path / "no")})
        == 4
    )
    assert hash_source(tmp_path / "no") == ""
    (tmp_path / "in/deep/b.csv").write_text("c")
    assert hash_source(tmp_path / "in") != whole
    assert hash_source(tmp_path / "in/*.csv") == pattern
    (tmp_path / "in/a.csv").rename(tmp_path / "in/c.csv")
    assert hash_source(tmp_path / "in/*.csv") != pattern


def test_a_table_that_is_missing_hashes_to_nothing(run):
    assert hash_made(run, "tables/labels.parquet") == ""
    run.workspace.write_bytes("tables/labels.parquet", b"x")
    assert len(hash_made(run, "tables/labels.parquet")) == 64
