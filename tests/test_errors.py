"""One sentence, with the fix."""

from evalkit import errors
from evalkit.errors import EvalkitError, SettingsError


def test_a_near_miss_is_suggested() -> None:
    assert (
        str(SettingsError.unknown("provider", "xia", ["xai", "groq"])) == "unknown provider 'xia'; did you mean 'xai'?"
    )


def test_without_a_near_miss_all_names_are_listed() -> None:
    assert str(SettingsError.unknown("provider", "zzz", ["xai", "groq"])) == "unknown provider 'zzz'; known: groq, xai"


def test_every_error_is_an_evalkit_error_and_drawn_in_the_tree() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert all(issubclass(kind, EvalkitError) for kind in kinds)
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in kinds)
