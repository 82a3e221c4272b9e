import dataclasses

import pytest

from evalkit.emulator.knobs import Knobs
from evalkit.errors import SettingsError

OTHER = Knobs(
    endpointing_default_ms=10, done_text="full", chunk_text="cumulative", duplicate_single_chunk=False,
    close_after_done=False, drop_before_done=True, language_field="name", delay_s=0.25,
)  # fmt: skip


@pytest.mark.parametrize("knobs", [Knobs(), OTHER])
def test_settings_read_back_as_the_same_knobs(knobs: Knobs) -> None:
    assert Knobs.parse(knobs.settings()) == knobs


def test_only_turned_knobs_are_written() -> None:
    assert Knobs(done_text="full", duplicate_single_chunk=False).settings() == [
        "done_text=full",
        "duplicate_single_chunk=false",
    ]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("don_text=full", "did you mean 'done_text'"),
        ("done_text=ful", "did you mean 'full'"),
        ("done_text", "needs a value"),
        ("close_after_done=yes", "true or false"),
        ("delay_s=soon", "needs a float"),
        ("delay_s=-1", "not negative"),
        ("delay_s=nan", "finite"),
        ("faults=xx", "unknown route of a fault 'xx'"),
        ("faults=rest:buzy", "unknown fault 'buzy'; did you mean 'busy'"),
        ("faults=rest:busy:times=soon", "must be a number, not 'soon'"),
    ],
)
def test_wrong_setting_is_one_sentence(setting: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Knobs.parse([setting])


def test_every_knob_can_be_parsed_from_its_default() -> None:
    for knob in dataclasses.fields(Knobs):
        text = str(knob.default).lower() if isinstance(knob.default, bool) else str(knob.default)
        assert getattr(Knobs.parse([f"{knob.name}={text}"]), knob.name) == knob.default
