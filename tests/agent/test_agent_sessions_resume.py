"""What a session's events come to, wherever they were cut."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixwright.agent.records import Event, EventType
from fixwright.agent.sessions.messages import (
    done_from_json,
    message_from_json,
    message_to_json,
    usage_from_json,
    usage_to_json,
)
from fixwright.agent.sessions.resume import (
    BROKEN_OFF,
    NOT_MADE,
    UNKNOWN,
    Cost,
    conversation,
    cost,
    draft_texts,
    is_cut,
    pending,
    usage,
)
from fixwright.agent.tools.spec import Effect
from fixwright.models.types import Call, Message, Native, Result, Usage

Told = tuple[EventType, Mapping[str, object]]


def events(*told: Told) -> list[Event]:
    return [Event(seq, float(seq), kind, data) for seq, (kind, data) in enumerate(told, 1)]


def rendered(data: Mapping[str, object]) -> str:
    return str(data["text"])


def user(text: str) -> Told:
    return "user", {"text": text}


def answer(text: str = "", *ids: str, **more: object) -> Told:
    message = Message("assistant", text, tuple(Call(each, "read", "{}", {}) for each in ids))
    return "answer", {"message": message_to_json(message), **more}


def call(name: str, effect: Effect = "read") -> Told:
    return "call", {"id": name, "name": "read", "effect": effect}


def result(name: str, text: str = "", **more: object) -> Told:
    return "result", {"id": name, "text": text or f"result of {name}", "error": False, **more}


def shown(*told: Told) -> list[tuple[str, str, list[str]]]:
    return [
        (each.role, each.text, [one.text for one in each.results])
        for each in conversation(events(*told), rendered)
    ]


@pytest.mark.parametrize("effect", get_args(Effect))
def test_what_is_left_of_a_cut_turn(effect: Effect) -> None:
    told: list[Told] = [
        user("go"),
        answer("", "a", "b", "c"),
        call("a"),
        result("a"),
        call("b", effect),
    ]
    began, waiting = pending(events(*told))
    assert (began.call.id, began.began, began.effect) == ("b", True, effect)
    assert began.fate == ("unknown" if effect == "outside" else "again")
    assert began.result.text == (UNKNOWN if effect == "outside" else BROKEN_OFF)
    assert (waiting.call.id, waiting.began, waiting.fate) == ("c", False, "again")
    assert waiting.result == Result("c", NOT_MADE, error=True)


def test_a_call_of_an_unknown_effect_is_not_made_again() -> None:
    (left,) = pending(events(answer("", "a"), ("call", {"id": "a", "name": "x"})))
    assert left.fate == "unknown"


def test_nothing_is_left_of_a_turn_that_ended() -> None:
    cut = [user("go"), answer("", "a")]
    assert len(pending(events(*cut))) == 1
    assert pending(events(*cut, ("ended", {"status": "cancelled"}))) == ()
    assert pending(events(*cut, user("again"))) == ()
    assert pending(events(user("go"))) == pending([]) == ()
    assert is_cut(events(*cut))
    assert not is_cut(events(*cut, ("ended", {"status": "done"})))
    assert not is_cut(events(("created", {})))


def test_calls_with_the_same_id_each_have_their_result() -> None:
    """Some servers number the calls of each answer anew, or give all calls one id."""
    told: list[Told] = [
        user("go"), answer("", "x"), result("x", "first"),
        answer("", "x", "x"), call("x", "outside"), result("x", "second"),
    ]  # fmt: skip
    (left,) = pending(events(*told))
    assert left.call.id == "x"
    assert shown(*told)[-1] == ("user", "", ["second", UNKNOWN])


def test_results_stand_in_the_order_of_their_calls() -> None:
    told: list[Told] = [
        user("go"),
        answer("", "a", "b"),
        call("a"),
        call("b"),
        result("b"),
        result("a"),
    ]
    assert shown(*told)[-1] == ("user", "", ["result of a", "result of b"])


def test_no_two_messages_of_the_user_follow_each_other() -> None:
    told: list[Told] = [
        user("one"), ("failed", {}), ("ended", {}), user("two"), answer("", "a"),
        result("a"), ("ended", {}), user("three"), answer("done"), ("ended", {}),
    ]  # fmt: skip
    assert shown(*told) == [
        ("user", "one\n\ntwo", []),
        ("assistant", "", []),
        ("user", "three", ["result of a"]),
        ("assistant", "done", []),
    ]


def test_an_answer_that_paused_goes_on_unchanged() -> None:
    told: list[Told] = [user("one"), answer("so "), answer("on")]
    assert [each[0] for each in shown(*told)] == ["user", "assistant", "assistant"]


def test_a_summary_is_no_part_of_the_conversation() -> None:
    told: list[Told] = [
        user("one"),
        answer("", "a"),
        result("a"),
        answer("a summary", purpose="summary"),
    ]
    assert [each[1] for each in shown(*told)] == ["one", "", ""]
    assert pending(events(*told)) == ()


def test_what_was_compacted_is_replaced() -> None:
    told: list[Told] = [
        user("one"), answer("", "a"), result("a"), answer("", "b"), result("b"),
        ("compacted", {"upTo": 3, "summary": "so far", "pruned": {}}),
    ]  # fmt: skip
    assert shown(*told) == [
        ("user", "so far", []), ("assistant", "", []), ("user", "", ["result of b"]),
    ]  # fmt: skip
    pruned = ("compacted", {"upTo": 0, "summary": None, "pruned": {"5": "[left out]"}})
    assert shown(*told, cast("Told", pruned))[-1] == ("user", "", ["[left out]"])
    later = ("compacted", {"upTo": 5, "summary": "all of it", "pruned": {}})
    assert shown(*told, cast("Told", later)) == [("user", "all of it", [])]


def test_a_summary_that_ends_within_a_pair_keeps_the_pair() -> None:
    told: list[Told] = [
        user("one"), answer("", "a", "b"), result("a"), result("b"),
        ("compacted", {"upTo": 3, "summary": "so far"}),
    ]  # fmt: skip
    assert shown(*told) == [
        ("user", "so far", []), ("assistant", "", []),
        ("user", "", ["result of a", "result of b"]),
    ]  # fmt: skip


@st.composite
def _sessions(draw: st.DrawFn) -> list[Told]:
    """Sessions as a loop writes them, compacted here and there."""
    told: list[Told] = []
    number = 0
    for _ in range(draw(st.integers(1, 4))):
        told.append(user(f"turn {len(told)}"))
        for _ in range(draw(st.integers(0, 3))):
            ids = [f"c{number + n}" for n in range(draw(st.integers(0, 3)))]
            number += len(ids)
            told.append(answer("text", *ids))
            effects = {each: draw(st.sampled_from(get_args(Effect))) for each in ids}
            told += [call(each, effects[each]) for each in draw(st.permutations(ids))]
            told += [result(each) for each in draw(st.permutations(ids))]
            if draw(st.booleans()):
                summary = {"upTo": draw(st.integers(0, len(told))), "summary": "S"}
                told.append(("compacted", summary))
        told.append(("ended", {"status": "done"}))
    return told


@given(_sessions(), st.data())
@settings(max_examples=200, deadline=None)
def test_wherever_a_session_is_cut_every_call_has_its_result(
    told: list[Told], data: st.DataObject
) -> None:
    cut = events(*told[: data.draw(st.integers(0, len(told)))])
    messages = conversation(cut, rendered)
    for place, message in enumerate(messages):
        if message.calls:
            following = messages[place + 1]
            assert [each.id for each in following.results] == [each.id for each in message.calls]
        if message.results:
            assert messages[place - 1].calls
        if message.role == "user" and place:
            assert messages[place - 1].role == "assistant"
    left = {each.call.id for each in pending(cut)}
    given_results = {each.data["id"] for each in cut if each.type == "result"}
    assert not left & given_results
    for each in pending(cut):
        assert each.began == any(
            event.type == "call" and event.data["id"] == each.call.id for event in cut
        )


def _entry(uri: str, before: str | None, after: str | None, op: str = "edit") -> object:
    return {"op": op, "uri": uri, "from": None, "before": before, "after": after}


def _applied(*documents: tuple[str, str | None]) -> Told:
    listed = [{"uri": uri, "before": "x", "after": after} for uri, after in documents]
    return "applied", {"label": "", "documents": listed}


def test_the_draft_is_the_last_one_without_what_was_taken() -> None:
    first = result("a", draft=[_entry("u", "0", "1")])
    second = result("b", draft=[_entry("u", "0", "2"), _entry("v", "3", None, "delete")])

    def drafts(*told: Told) -> list[tuple[str, str | None]]:
        return [(each.uri, each.after) for each in draft_texts(events(*told))]

    assert drafts(user("none")) == []
    assert drafts(first) == [("u", "1")]
    assert drafts(first, second, result("c")) == [("u", "2"), ("v", None)]
    assert drafts(first, second, result("c", draft=[])) == []
    assert drafts(second, _applied(("v", None))) == [("u", "2")]
    assert drafts(second, _applied(("u", "1"))) == [("u", "2"), ("v", None)]
    undone = ("undone", {"applied": 2})
    assert drafts(first, _applied(("u", "1")), cast("Told", undone)) == []
    assert drafts(_applied(("u", "1")), first) == [("u", "1")]


def test_what_was_spent() -> None:
    one = usage_to_json(Usage(1, 2, 3, 4, 1))
    told: list[Told] = [
        answer(usage=one, cost=0.5),
        answer(usage=one, cost=None),
        answer(usage=one, cost=1),
    ]
    assert usage(events(*told)) == Usage(3, 6, 9, 12, 3)
    assert cost(events(*told)) == Cost(1.5, 1)
    assert (usage([]), cost([])) == (Usage(), Cost(0.0, 0))
    assert usage_from_json({}) == Usage()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(), json_values, max_size=3)
messages = st.builds(
    Message,
    role=st.sampled_from(["user", "assistant"]),
    text=st.text(st.characters()),  # halves of surrogate pairs too
    calls=st.lists(
        st.builds(Call, st.text(), st.text(), st.text(), st.none() | objects), max_size=3
    ).map(tuple),
    results=st.lists(st.builds(Result, st.text(), st.text(), st.booleans()), max_size=3).map(tuple),
    native=st.none() | st.builds(Native, st.text(), json_values),
)


@given(messages)
@settings(max_examples=200, deadline=None)
def test_messages_come_back_exactly(message: Message) -> None:
    written = json.dumps(message_to_json(message))
    read = message_from_json(json.loads(written))
    assert read == message
    assert json.dumps(message_to_json(read)) == written  # 1 == 1.0 == True would pass above


def test_an_answer_comes_back() -> None:
    message = Message("assistant", "x")
    data = {
        "message": message_to_json(message), "stop": "tool_use", "requestId": "r1",
        "usage": usage_to_json(Usage(1, 2)),
    }  # fmt: skip
    done = done_from_json(data)
    assert (done.message, done.stop, done.request_id) == (message, "tool_use", "r1")
    assert done.usage == Usage(1, 2)
    assert done_from_json({}).request_id is None
