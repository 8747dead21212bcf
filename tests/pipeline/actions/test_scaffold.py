"""``init``: what it shows of refusals and doubts, several sources at once, and the first class map made again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from logoingest.cli.main import main
from logoingest.config import load_config
from logoingest.errors import SourceError
from logoingest.labels import ClassMap, normalise_label
from logoingest.pipeline import init
from logoingest.sources import read_annotations

ROWS = "image_url,brand\nhttp://x.example/{0}1.jpg,nike\nhttp://x.example/{0}2.jpg,puma\n"


@pytest.fixture
def call(capsys, tmp_path, monkeypatch):
    """``call("init", …)``: exit code, what was printed, and to stderr; paths are relative to a fresh folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main([*arguments])
        except SystemExit as stop:
            code = int(str(stop.code))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def read_config(path: str = "set/dataset.toml"):
    config = load_config(path, environ={})
    return [dict(source) for source in config.sources], *read_annotations(config.sources, config.base_dir)


def test_refusals_are_shown_with_counts_and_the_first(call):
    """What is refused is told by kind, the most frequent first."""
    bad = "".join(f"http://x.example/{number}.jpg,a,b,c{number}\n" for number in range(3))
    Path("rows.csv").write_text(ROWS.format("") + bad + ",nike\n")
    code, out, _ = call("init", "set", "--from", "rows.csv")
    assert code == 0
    assert "refused: 4" in out
    assert "3 × invalid_row, the first in row 3 of rows.csv: 4 cells where the header names 2: http://x.example/0.jpg,a,b,c0" in out
    assert "1 × missing_url, the first in row 6 of rows.csv" in out
    facts = json.loads(call("init", "other", "--from", "rows.csv", "--json")[1])
    assert [(group["reason"], group["rows"], group["source_row"]) for group in facts["refused"]] == [
        ("invalid_row", 3, 3),
        ("missing_url", 1, 6),
    ]


def test_nothing_usable_is_exit_code_2_and_nothing_is_written(call):
    """A source of refused rows alone makes no dataset; the reasons are told."""
    head = "HITId,AssignmentId,WorkerId,AssignmentStatus,RequesterFeedback,Input.image_url,Answer.brand,Approve,Reject\n"
    Path("rows.csv").write_text(head + "H,A,W,Rejected,spam,http://x.example/1.jpg,nike\nH,B,W,Approved,,,nike\n")
    code, out, err = call("init", "set", "--from", "rows.csv")
    assert (code, out) == (2, "")
    assert "nothing can be used: all 2 rows are refused (1 × assignment_rejected" in err
    assert not Path("set").exists()


def test_options_settle_what_would_be_guessed(call):
    """Columns, format and delimiter of the command line are written and leave no doubt."""
    Path("rows.txt").write_text("page|pic|who|brand|answer\nhttp://y.example/|http://x.example/1.jpg|w|nike|puma\n")
    options = {"url-column": "pic", "label-column": "answer", "worker-column": "who", "format": "tabular", "delimiter": "|"}
    code, out, _ = call(
        "init", "set", "--from", "rows.txt", *(part for key, value in options.items() for part in (f"--{key}", value))
    )
    assert code == 0
    assert "Doubtful" not in out
    (source,), kept, _ = read_config()
    assert {key.replace("_", "-"): source[key] for key in source if key.replace("_", "-") in options} == options
    assert kept.select(["url", "raw_label", "worker_id"]).to_pylist() == [
        {"url": "http://x.example/1.jpg", "raw_label": "puma", "worker_id": "w"}
    ]


def test_a_wrong_option_is_told(call):
    """A format that does not exist, a column that is not there."""
    Path("rows.csv").write_text(ROWS.format(""))
    code, _, err = call("init", "set", "--from", "rows.csv", "--format", "excel")
    assert code == 2
    assert "--format: Input should be 'mturk'" in err
    code, _, err = call("init", "set", "--from", "rows.csv", "--label-column", "brnad")
    assert code == 2
    assert 'has no column "brnad" (label_column); did you mean "brand"?' in err


@pytest.mark.parametrize(
    "named",
    [["a.csv", "more/b.csv", "more/c.jsonl"], ["a.csv", "more"], ["**/*.csv", "more/c.jsonl"], ["."]],
    ids=["files", "a folder", "a pattern", "all"],
)
def test_several_sources(call, named):
    """Files, folders and patterns become a source each, once, in order; each is guessed by itself."""
    Path("more").mkdir()
    Path("a.csv").write_text(ROWS.format("a"))
    Path("more/b.csv").write_text(ROWS.format("b").replace(",", ";").replace("brand", "label"))
    Path("more/c.jsonl").write_text('{"img": "http://x.example/c1.jpg", "tag": "adidas"}\n')
    code, _, _ = call("init", "set", *(part for name in named for part in ("--from", name)))
    assert code == 0
    sources, kept, _ = read_config()
    assert [(source["path"], source["delimiter"], source["label_column"]) for source in sources] == [
        ("../a.csv", None, "brand"),
        ("../more/b.csv", ";", "label"),
        ("../more/c.jsonl", None, "tag"),
    ]
    assert kept.num_rows == 5


def test_a_folder_leaves_out_what_is_no_source(call):
    """A file of a folder that is none is named; one that was named itself is an error."""
    Path("batch").mkdir()
    Path("batch/rows.csv").write_text(ROWS.format(""))
    Path("batch/README.txt").write_text("What this is\n\nSome rows.\n")
    code, out, _ = call("init", "set", "--from", "batch")
    assert code == 0
    assert "left out: batch/README.txt: has no column that holds image URLs" in out
    assert call("init", "other", "--from", "batch/README.txt", "--from", "batch/rows.csv")[0] == 2
    assert call("init", "other", "--from", "batch/*.xls")[0] == 2


def test_overlapping_downloads_count_once(call):
    """Rows that stand in two files are told."""
    Path("a.csv").write_text(ROWS.format(""))
    Path("b.csv").write_text(ROWS.format("") + "http://x.example/3.jpg,nike\n")
    _, out, _ = call("init", "set", "--from", "a.csv", "--from", "b.csv")
    assert "read 3 answers, 2 of them distinct" in out
    assert "2 × repeated_row, the first in row 1 of b.csv" in out


def test_doubtful_columns_are_named_with_the_others(call):
    """The answer may be another column: init says which was taken and what else could be meant."""
    state = json.dumps({"view": {"step": 1}}).replace('"', '""')
    rows = "".join(f'http://x.example/{n}.jpg,"{state}",nike,puma\n' for n in range(3))
    Path("rows.csv").write_text(f"image_url,OUTPUT:answer_view,OUTPUT:class,OUTPUT:tag\n{rows}")
    _, out, _ = call("init", "set", "--from", "rows.csv")
    flat = " ".join(out.split())
    assert "Doubtful: the answers are read from OUTPUT:class; OUTPUT:tag could be meant as well. Say which: --label-column." in flat
    assert "# Doubtful: the answers are read from OUTPUT:class" in Path("set/dataset.toml").read_text()
    Path("other.csv").write_text("image_url,seen,shown\nhttp://x.example/1.jpg,nike,puma\n")
    _, out, _ = call("init", "other", "--from", "other.csv")
    assert "No column looks like the answer: labels are read as empty. Is it seen or shown?" in " ".join(out.split())


def test_the_first_map_is_made_again(call):
    """``labels draft`` writes what init wrote, and overwrites only when told."""
    Path("rows.csv").write_text(ROWS.format("") * 5)
    call("init", "set", "--from", "rows.csv")
    class_map = Path("set/label_maps/set.toml")
    first = class_map.read_text()
    class_map.write_text("spoilt")
    code, _, err = call("labels", "draft", "set/dataset.toml")
    assert code == 2
    assert "is there already" in err
    code, out, _ = call("labels", "draft", "set/dataset.toml", "--force")
    assert code == 0
    assert "from 2 distinct answers" in out
    assert class_map.read_text() == first
    assert call("labels", "draft", "set/dataset.toml", "--out", "new.toml")[0] == 0
    assert Path("new.toml").read_text() == first


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("legend.csv", "code,species,notes\n0,Robin,\n1,Blackbird,common\nc07,None of the above,\n"),
        ("bare.csv", "0,Robin\n1,Blackbird\nc07,None of the above\n"),
        ("legend.json", '{"0": "Robin", "1": "Blackbird", "c07": "None of the above"}'),
    ],
)
def test_a_legend_names_the_classes_of_codes(tmp_path, name, text):
    """The codes become aliases, "0" too, which elsewhere means that there is nothing; a meaning of that kind is told."""
    said = ["0", "1", "C07", "5"]
    rows = "".join(f"http://x.example/{place}.jpg,{said[place % 4]}\n" for place in range(12))
    (tmp_path / "a.csv").write_text("image_url,label\n" + rows, "utf-8")
    (tmp_path / name).write_text(text, "utf-8")
    made = init(tmp_path / "mine", [tmp_path / "a.csv"], legend=tmp_path / name)
    class_map = ClassMap.load(made.class_map)
    decided = [normalise_label(answer, class_map).class_id for answer in said]
    assert decided == ["robin", "blackbird", "none_of_the_above", None]
    assert any("None of the above" in doubt for doubt in made.first_map.doubts)


@pytest.mark.parametrize("text", ["code,species\n8,Robin\n9,Wren\n", "code,species\n0,Robin\n0,Wren\n", '{"8": "Robin"}'])
def test_a_legend_that_says_nothing_of_the_answers_is_an_error(tmp_path, text):
    """No code was answered, or a code means two things; nothing is written."""
    (tmp_path / "a.csv").write_text("image_url,label\nhttp://x.example/1.jpg,0\nhttp://x.example/2.jpg,1\n", "utf-8")
    (tmp_path / "legend").write_text(text, "utf-8")
    with pytest.raises(SourceError, match="legend"):
        init(tmp_path / "mine", [tmp_path / "a.csv"], legend=tmp_path / "legend")
    assert not (tmp_path / "mine").exists()
