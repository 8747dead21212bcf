"""Pictures on which another class is written, as ``labels suggest`` prints them."""

import json

from logoingest import load_config
from logoingest.cli.labels.text_conflicts import print_text_conflicts
from logoingest.cli.main import main
from logoingest.pipeline import Run, run
from logoingest.schemas import Stage, TextConflictRow


def conflict(number, text="PUMA", confidence=0.9):
    return {"image_id": f"{number:064x}", "class_ids": ["acme", "bolt"], "written": "dune", "text": text, "score": 0.99,
            "confidence": confidence, "votes": 3, "url": f"http://h.test/{number}.jpg"}  # fmt: skip


def test_the_least_sure_come_first_and_strangers_words_do_no_harm(make_dataset, capsys):
    """Ten at most are printed, with the count of all; control characters are shown, not obeyed."""
    dataset = make_dataset(pictures=1)
    config = load_config(dataset.config, {"images.ocr": True}, environ={})
    opened = Run(config)
    print_text_conflicts(opened)
    assert capsys.readouterr().out == ""
    rows = [conflict(number, confidence=0.99 - number / 100) for number in range(12)] + [conflict(99, "\x1b[2JDune", 0.1)]
    opened.workspace.write_table("text_conflicts", TextConflictRow.table(rows))
    print_text_conflicts(opened)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("13 pictures have another class written on them than was answered")
    assert lines[1] == '  answered acme + bolt (3 votes, 0.10), written "\\x1b[2JDune": dune'
    assert lines[2] == "    http://h.test/99.jpg"
    assert sum(line.startswith("  answered") for line in lines) == 10


def test_they_are_in_the_json_only_where_text_is_read(make_dataset, capsys):
    """``labels suggest --json`` lists them; a table left from before images.ocr was switched off is not shown."""
    dataset = make_dataset(pictures=1)
    config = load_config(dataset.config, environ={})
    run(config, until=Stage.LABELS)
    Run(config).workspace.write_table("text_conflicts", TextConflictRow.table([conflict(1)]))
    for switch, found in (("true", 1), ("false", 0)):
        capsys.readouterr()
        assert main(["labels", "suggest", str(dataset.config), "--json", "--set", f"images.ocr={switch}"]) == 0
        assert len(json.loads(capsys.readouterr().out)["text_conflicts"]) == found
