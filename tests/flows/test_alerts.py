"""What somebody should hear of: automations that Prefect understands, and the events that some of them listen for."""

from __future__ import annotations

import datetime as dt

import pytest
import yaml

from builders.places import ROOT
from logoingest import load_config
from logoingest.errors import UsageError
from logoingest.pipeline import Run
from logoingest.pipeline.history.entries import RunEntry, keep_entry

pytest.importorskip("prefect")

SHIPPED = ROOT / "src/logoingest/pipeline/actions"


@pytest.mark.parametrize("name", ["alerts.yaml", "automations.yaml"])
def test_the_automations_are_as_prefects_server_wants_them(name):
    """Trigger, actions and their templates; the clone's file is the packaged one."""
    from prefect.server.events.schemas.automations import AutomationCore

    document = yaml.safe_load((ROOT / name).read_text())
    assert (SHIPPED / name).read_text() == (ROOT / name).read_text()
    found = [AutomationCore.model_validate(one) for one in document["automations"]]
    assert all(one.trigger.expect and one.actions for one in found)
    for one, model in zip(document["automations"], found, strict=True):  # what it does not know it ignores
        assert set(one) <= set(AutomationCore.model_fields)
        assert set(one["trigger"]) <= set(type(model.trigger).model_fields)
    if name == "alerts.yaml":
        document["automations"][0]["actions"][0]["body"] = "{{ flow_run."
        with pytest.raises(ValueError, match="template"):
            AutomationCore.model_validate(document["automations"][0])


def test_every_ending_that_somebody_should_hear_of_has_an_alert():
    """Failed, crashed, cancelled, late, nothing new, more failed."""
    automations = yaml.safe_load((ROOT / "alerts.yaml").read_text())["automations"]
    heard = {event.rpartition(".")[2] for one in automations for event in one["trigger"]["expect"]}
    assert heard == {"Failed", "Crashed", "Cancelled", "Late", "nothing-new", "more-failed"}


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (None, ("a", 0), []),
        (("a", 0), ("b", 4), []),
        (("a", 0), ("a", 0), ["nothing-new"]),
        (("a", 2), ("b", 8), ["more-failed"]),
        (("a", 8), ("a", 2), ["nothing-new"]),
    ],
)
def test_a_night_is_compared_with_the_one_before(make_dataset, monkeypatch, before, now, told):
    """By its release and the share that failed; other commands in between are no nights."""
    from logoingest_flows import publishing

    run = Run(load_config(make_dataset(pictures=1).config))
    for number, night in enumerate(filter(None, (before, now))):
        keep_entry(
            run.workspace, RunEntry(f"2026-11-0{number + 1}T03:00:00Z", "ingest", 0, urls=100, failed=night[1], release=night[0])
        )
        keep_entry(
            run.workspace, RunEntry(f"2026-11-0{number + 1}T04:00:00Z", "maintain", 0, urls=100, failed=99, release=night[0])
        )
    sent = []
    monkeypatch.setattr(publishing, "emit_event", lambda event, resource, payload: sent.append((event, resource, payload)))
    publishing.emit_alerts(run)
    assert [event.removeprefix("logoingest.") for event, *_ in sent] == told
    assert all(
        resource == {"prefect.resource.id": "logoingest.dataset.small", "prefect.resource.name": "small"} for _, resource, _ in sent
    )


def test_missed_nights_are_gone_through_day_by_day(make_dataset):
    """First and last, both included; only a source with a pattern is bounded; nonsense is refused."""
    from logoingest_flows.ingest import bound_sources, list_days

    first, last = dt.date(2026, 11, 29), dt.date(2026, 12, 1)
    assert list_days(None) == [None]
    assert list_days([first, last]) == [first, dt.date(2026, 11, 30), last]
    assert list_days([first]) == [first]
    for wrong in ([last, first], [first, first, last]):
        with pytest.raises(UsageError, match="first and a last"):
            list_days(wrong)
    dataset = make_dataset(pictures=1)
    assert bound_sources(str(dataset.config), [], first) == []
    given = ['sources.0.path="nightly/*.csv"']
    bounded = bound_sources(str(dataset.config), given, first)
    assert load_config(dataset.config, [*given, *bounded]).sources[0].last_day == first
