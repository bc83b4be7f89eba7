"""Any faults together break a reply, and nothing else."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fake_server import faults
from fake_server.faults import CATALOGUE
from fake_server.faults.active import apply_faults
from fake_server.faults.replies import Quota
from fake_server.wire.delivery import Delivery, fixed_length
from fake_server.wire.exchange import Write

_texts = st.text(st.characters(exclude_categories=()), max_size=20)
"""Texts, halves of surrogate pairs included."""
PARAMETERS = {
    "after_bytes": st.integers(0, 80),
    "after_events": st.integers(0, 6),
    "event": st.integers(-4, 4),
    "keep": st.integers(0, 30),
    "every": st.integers(1, 20),
    "count": st.integers(1, 5),
    "by": st.integers(-30, 30),
    "seconds": st.sampled_from([0.0, 1.5]),
    "how": st.sampled_from(["truncated", "corrupt", "not-gzip"]),
    "where": st.sampled_from(["$", "$.content", "$..*", "$.nothing"]),
    "abandoned": st.booleans(),
    "chunks": st.booleans(),
    "coding": st.sampled_from(["gzip", "deflate"]),
    "named": st.booleans(),
    "slots": st.integers(1, 5),
    "after_seconds": st.sampled_from([0.0, 0.15, 2.0]),
    "bytes": st.integers(1, 40),
    "bytes_per_second": st.integers(1, 1000),
    "code": st.none() | st.text(max_size=5),
    "content_type": st.sampled_from(["text/plain", "text/event-stream"]),
    "data": st.none() | _texts,
    "done": st.booleans(),
    "each": st.sampled_from([0.0, 0.02]),
    "echo": st.just(["stop"]),
    "ending": st.sampled_from(["fin", "rst"]),
    "ends": st.sampled_from(["cr", "crlf", "mixed"]),
    "events": st.none() | st.integers(1, 6),
    "headers": st.sampled_from([{}, {"X-A": "b"}]),
    "message": _texts,
    "name": st.sampled_from(["content-type", "Content-Length", "x-request-id"]),
    "of": st.none() | st.sampled_from(["x", "output_text.delta"]),
    "failed": st.booleans(),
    "param": st.none() | st.text(max_size=5),
    "per": st.sampled_from([0.5, 60.0]),
    "piece": st.integers(1, 50),
    "requests": st.none() | st.integers(1, 5),
    "retry_after": st.none() | st.sampled_from([0.0, 1.5]),
    "size": st.integers(0, 30),
    "status": st.sampled_from([400, 429, 500, 599]),
    "text": _texts,
    "tokens": st.none() | st.integers(1, 50),
    "type": st.text(max_size=5),
    "value": st.sampled_from([None, "", "text/event-stream"]),
    "wait": st.sampled_from([0.0, 0.05]),
}
"""Values for parameters, by name."""
_names = st.lists(st.sampled_from(["content", "other"]), max_size=2)
_members: st.SearchStrategy[Any] = st.dictionaries(
    st.sampled_from(["content", "other"]), st.sampled_from([None, 1, "{event}", [], {}])
)
SPECIAL: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "json": {
        "at": st.sampled_from(["$", "$.content", "$..*", "$.nothing"]),
        "event": st.none() | st.integers(-6, 6),
        "of": st.none() | st.just("x"),
        "set": _members,
        "copy": st.dictionaries(st.just("content"), st.sampled_from(["content", "other"])),
        "remove": _names,
        "rename": st.dictionaries(st.just("content"), st.sampled_from(["content", "other"])),
        "parse": _names,
        "double": _names,
        "grow": _names,
        "repeat": _names,
        "scale": st.dictionaries(st.just("other"), st.integers(-3, 3)),
        "count": st.dictionaries(st.just("other"), st.integers(-3, 3)),
        "value": st.sampled_from([None, [], "{event}"]),
        "unwrap": st.sampled_from([None, "content", "other"]),
        "drop": st.booleans(),
    },
    "rewrite": {
        "find": st.sampled_from(["data: ", "\n", "é", "z"]),
        "by": st.sampled_from(["", "x", "data: data: ", "\ud83d"]),
        "event": st.none() | st.integers(-6, 6),
        "of": st.none() | st.just("x"),
        "count": st.integers(0, 2),
    },
    "insert-event": {"text": _texts, "after": st.integers(-6, 6)},
    "preflight": {"status": st.sampled_from([200, 405]), "json": st.none() | _members},
    "reply": {"status": st.sampled_from([200, 204, 307, 599]), "json": st.none() | _members},
    "misread": {"without": st.just(["$..*"]), "set": _members, "fill": _members},
    "stall": {"silent": st.booleans()},
}
"""Faults whose parameters have values of their own."""
NONE: dict[str, st.SearchStrategy[Any]] = {}


@st.composite
def any_faults(draw: st.DrawFn) -> list[faults.Fault]:
    made = []
    for name in draw(st.lists(st.sampled_from(sorted(CATALOGUE)), max_size=5)):
        if name in SPECIAL and draw(st.booleans()):
            made.append(faults.parse({"fault": name, **draw(st.fixed_dictionaries(NONE, optional=SPECIAL[name]))}))
            continue
        if name in ("json", "rewrite"):
            continue
        keys = [key for key in PARAMETERS if key in CATALOGUE[name].model_fields]
        places = [key for key in keys if key.startswith("after_")]
        place = draw(st.sampled_from([None, *places]))
        chosen = {key: draw(PARAMETERS[key]) for key in keys if key not in places or key == place}
        if place is not None and "after_events" in places:
            chosen.setdefault("after_events", None)
        made.append(faults.parse({"fault": name, **chosen}))
    return made


def test_every_parameter_has_values() -> None:
    missing = [
        f"{name}: {field.alias or key}"
        for name, kind in CATALOGUE.items()
        for key, field in kind.model_fields.items()
        if key not in ("fault", "probability", *PARAMETERS) and (field.alias or key) not in SPECIAL.get(name, {})
    ]
    assert not missing, f"add rows to PARAMETERS or, for one fault only, to SPECIAL in this file for {missing}"


@settings(max_examples=300, deadline=None)
@given(any_faults(), st.booleans())
def test_any_faults_together_give_a_delivery(some: list[faults.Fault], streams: bool) -> None:
    said = [f'{{"content":"é{n}"}}' for n in range(3)] + ["[DONE]"]
    events = tuple(Write(f"data: {one}\n\n".encode(), 0.1) for one in said)
    sent = Delivery(200, (("content-type", "text/event-stream"),), events)
    delivery = (
        sent if streams else fixed_length(200, (("content-type", "application/json"),), b'{"content":"\xc3\xa9"}')
    )
    made, notes = apply_faults(delivery, some)
    assert len(notes) == sum(not isinstance(one, Quota) for one in some)
    written = list(made.writes)
    assert all(isinstance(one.data, bytes) and one.pause >= 0 for one in written)
    assert [faults.parse(one.to_dict()) for one in some] == some


def test_done_in_the_text_of_an_event_is_not_the_end() -> None:
    events = tuple(Write(f"data: {data}\n\n".encode(), 0) for data in ('{"content":"say [DONE] now"}', "[DONE]"))
    sent = Delivery(200, (("content-type", "text/event-stream"),), events)
    delivery, notes = apply_faults(sent, [faults.parse({"fault": "no-done"})] * 2)
    assert tuple(delivery.writes) == events[:1]
    assert notes == ("no-done", "no-done: not possible, the stream has no [DONE]")
