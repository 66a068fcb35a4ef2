"""Leaves: one event has exactly one spelling, and what JSON readers may disagree on is refused."""

import json
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_app.proof.errors import LeafError, ProofError
from archive_app.proof.leaf import MAX_LEAF_BYTES, canonical_detail, detail_digest, leaf_bytes

SALT = bytes(32)
EVENT: dict[str, Any] = {
    "event_id": "e-1",
    "code": "document.added",
    "occurred_at": datetime(2026, 11, 21, 6, 45, 0, 123456, tzinfo=UTC),
    "actor": "p-1",
    "via": "web",
    "subjects": {"engagement": "g-1", "document": "d-1"},
    "detail_digest": bytes(32),
}


def test_a_leaf_is_exactly_this_text() -> None:
    assert leaf_bytes(**EVENT) == (
        b'{"actor":"p-1","code":"document.added","detail":"' + b"00" * 32 + b'","event":"e-1",'
        b'"subjects":{"document":"d-1","engagement":"g-1"},"time":"2026-11-21T06:45:00.123456Z","v":1,"via":"web"}'
    )


def test_the_order_of_subjects_does_not_matter() -> None:
    reversed_subjects = dict(reversed(EVENT["subjects"].items()))
    assert leaf_bytes(**EVENT | {"subjects": reversed_subjects}) == leaf_bytes(**EVENT)


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(-23 * 60, 23 * 60),
)
def test_an_instant_has_one_spelling_in_every_zone(moment: datetime, offset_minutes: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(minutes=offset_minutes)))
    encoded = leaf_bytes(**EVENT | {"occurred_at": elsewhere})
    assert encoded == leaf_bytes(**EVENT | {"occurred_at": moment})
    time = json.loads(encoded)["time"]
    assert len(time) == len("2026-11-21T06:45:00.123456Z")
    assert datetime.fromisoformat(time) == moment


@pytest.mark.parametrize("field", ["event_id", "code", "actor", "via"])
@pytest.mark.parametrize("value", ["", "\ud800", 1, None, b"x"])
def test_ids_must_be_text(field: str, value: object) -> None:
    with pytest.raises(LeafError):
        leaf_bytes(**EVENT | {field: value})


@pytest.mark.parametrize(
    "change",
    [
        {"occurred_at": datetime(2026, 11, 21)},  # noqa: DTZ001
        {"occurred_at": datetime.max.replace(tzinfo=timezone(timedelta(hours=-8)))},
        {"subjects": {"": "d-1"}},
        {"subjects": {"document": ""}},
        {"subjects": {"document": 7}},
        {"subjects": {7: "d-1"}},
        {"detail_digest": b""},
        {"detail_digest": bytes(31)},
        {"detail_digest": bytes(33)},
    ],
)
def test_malformed_events_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(LeafError):
        leaf_bytes(**EVENT | change)


def test_a_leaf_fits_into_an_entry_bundle() -> None:
    room = MAX_LEAF_BYTES - len(leaf_bytes(**EVENT | {"actor": "x"})) + 1
    assert len(leaf_bytes(**EVENT | {"actor": "x" * room})) == MAX_LEAF_BYTES
    with pytest.raises(LeafError, match="65536 bytes"):
        leaf_bytes(**EVENT | {"actor": "x" * (room + 1)})


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_salt_has_32_bytes(length: int) -> None:
    with pytest.raises(LeafError, match="salt"):
        detail_digest(bytes(length), {})


def _nested(levels: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (0.5, r"detail\.a\[1\]\.b is a float"),
        (float("nan"), "float"),
        (float("inf"), "float"),
        (2**53, "integer"),
        (-(2**53), "integer"),
        ({1: "x"}, "key of type int"),
        ({None: "x"}, "key of type NoneType"),
        ({"\udfff": "x"}, "surrogate"),
        ("\ud83d", "surrogate"),
        (b"x", "bytes"),
        ({"x"}, "set"),
        (datetime(2026, 1, 1, tzinfo=UTC), "datetime"),
        (_nested(40), "deeper"),
    ],
)
def test_what_json_readers_disagree_on_is_refused(value: object, reason: str) -> None:
    with pytest.raises(LeafError, match=reason):
        detail_digest(SALT, {"a": ["fine", {"b": value}]})


def test_detail_is_an_object() -> None:
    with pytest.raises(LeafError, match="object"):
        canonical_detail(["a"])  # type: ignore[arg-type]


def test_depth_is_allowed_up_to_the_limit() -> None:
    assert canonical_detail(_nested(32)) == b'{"a":' * 31 + b"{}" + b"}" * 31
    with pytest.raises(LeafError, match="deeper"):
        canonical_detail(_nested(33))
    lists: list[object] = []
    for _ in range(31):
        lists = [lists]
    with pytest.raises(LeafError, match="deeper"):
        canonical_detail({"a": lists})


def test_enumerations_and_tuples_are_written_as_their_values() -> None:
    class Colour(StrEnum):
        RED = "red"

    assert canonical_detail({"c": Colour.RED, "t": (1, True, None)}) == b'{"c":"red","t":[1,true,null]}'


def test_text_is_not_normalised() -> None:
    assert detail_digest(SALT, {"name": "\u00e9"}) != detail_digest(SALT, {"name": "e\u0301"})


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), _json, max_size=5))
def test_canonical_detail_says_the_same_and_is_stable(detail: dict[str, object]) -> None:
    encoded = canonical_detail(detail)
    assert json.loads(encoded) == detail
    assert canonical_detail(json.loads(encoded)) == encoded


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_the_digest_depends_on_the_salt(one: bytes, other: bytes) -> None:
    assert (detail_digest(one, {"a": 1}) == detail_digest(other, {"a": 1})) == (one == other)


def test_every_error_explains_itself() -> None:
    pending, seen = [ProofError], set()
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        assert kind.__doc__
        assert kind("what happened").diagnostics() == f"what happened\n\n{kind.explanation}"
        seen.add(kind.explanation)
    assert len(seen) == 10
