"""The record: one clock, order, and no keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import Unavailable
from evalkit.wire.masking import MASK
from evalkit.wire.record import Record

KEY = "key/with/slashes"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(f"a {KEY} b"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_a_key_is_masked_wherever_it_stands(data: object) -> None:
    record = Record({"KEY": KEY})
    record.secret("KEY")
    record.add("sent", data)
    (event,) = record.events
    assert KEY not in str(event.data)
    assert MASK in str(event.data) or KEY not in str(data)


def test_events_come_out_by_time_whatever_the_order_they_were_kept_in() -> None:
    record = Record({})
    record.add("received", "late", 2.0)
    record.add("received", "early", 1.0)
    assert [event.data for event in record.events] == ["early", "late"]


def test_a_frame_keeps_its_numbers_and_the_audio_time() -> None:
    record = Record({})
    record.audio_s = 0.02
    record.add_frame({"bytes": 640, "due_s": 0.5})
    (event,) = record.events
    assert (event.kind, event.audio_s, event.data) == ("audio", 0.02, {"bytes": 640, "due_s": 0.5})


def test_a_failure_is_recorded_without_keys_and_raised() -> None:
    record = Record({"KEY": KEY})
    record.secret("KEY")
    with pytest.raises(Unavailable, match=r"no answer from \*\*\*"):
        record.fail(f"no answer from {KEY}", None)
    assert record.events[-1].data == {"type": "Unavailable", "message": f"no answer from {MASK}"}
