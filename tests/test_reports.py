from pathlib import Path

from evalkit import reports


def test_the_docstring_names_every_module() -> None:
    assert reports.__doc__ is not None
    for path in Path(reports.__file__).parent.glob("*.py"):
        assert path.stem == "__init__" or path.stem in reports.__doc__
