"""Each check finds what is well, and finds what is not."""

import asyncio
import errno
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from evalkit import doctor, providers
from evalkit.doctor import Finding, Service
from evalkit.plan import Choice, Plan
from evalkit.wire import Timeouts
from tests.peers import closed_port, http_answer, http_server

KEY = "xai-secret-for-tests"


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.what: finding for finding in findings}


def test_this_machine_can_run_and_no_key_is_shown(tmp_path: Path) -> None:
    found = list(doctor.examine(tmp_path, {"XAI_API_KEY": KEY}, network=False))
    assert by_name(found)["key of xai"].found == "set"
    assert not [finding for finding in doctor.failed(found) if finding.what != "timers"], "timers may fail under load"
    assert KEY not in repr(found)
    assert {"Python", "libraries", "clock", "timers", "disk space", "results"} <= by_name(found).keys()


def test_a_missing_key_names_its_variable() -> None:
    finding = doctor._key(providers.load("xai"), {})
    assert (finding.state, finding.found) == ("note", "not set")
    assert "XAI_API_KEY" in finding.fix


def test_a_library_of_another_version_must_be_mended() -> None:
    (finding,) = doctor._libraries(["numpy<1", "not-installed-anywhere>=1"])
    assert finding.state == "fail"
    assert "numpy" in finding.found
    assert "not-installed-anywhere is missing" in finding.found


def test_only_the_recognisers_among_the_extras_are_missed() -> None:
    lines = ["no-such-recogniser>=1; extra == 'local'", "no-such-linter>=1; extra == 'dev'"]
    fine, missed = doctor._libraries(lines)
    assert (fine.state, missed.state) == ("ok", "note")
    assert missed.found == "no-such-recogniser is missing"


@pytest.mark.parametrize("kind", doctor.FORMATS)
def test_a_tone_comes_back(kind: str) -> None:
    assert doctor._sound(kind).state == "ok"


def test_a_format_nobody_knows_is_a_note() -> None:
    assert doctor._sound("XYZ").state == "note"


async def test_a_loop_that_is_held_up_shows_as_lateness() -> None:
    async def hog() -> None:
        for _ in range(5):
            time.sleep(0.05)  # noqa: ASYNC251 holding the loop up is the point
            await asyncio.sleep(0)

    late, _ = await asyncio.gather(doctor.timer_lateness(5, seconds=0.1), hog())
    assert late > 0.05


def test_a_folder_that_cannot_be_written_must_be_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "open", read_only)
    found = by_name(list(doctor._recorded(tmp_path / "results" / "new")))
    assert found["results"].state == "fail"
    assert "Read-only file system" in found["results"].found


def test_results_that_are_a_file_are_a_finding_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    found = by_name(list(doctor._recorded(tmp_path / "results")))["results"]
    assert (found.state, found.found) == ("fail", f"{tmp_path / 'results'}: Not a directory")


def test_a_probe_that_cannot_be_removed_is_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", read_only)
    assert by_name(list(doctor._recorded(tmp_path)))["results"].state == "ok"


def test_the_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    list(doctor._recorded(tmp_path / "results"))
    assert not list(tmp_path.iterdir())


def test_old_limits_are_a_note() -> None:
    (xai, *_), _ = doctor.services({}, plan=Plan(Choice("xai"), budget_usd=1))
    assert doctor._allowance(xai, date(2026, 9, 20)).state == "ok"
    assert doctor._allowance(xai, date(2027, 9, 20)).state == "note"


def test_whom_a_user_may_mean() -> None:
    def names(found: list[Service]) -> set[str]:
        return {one.provider.name for one in found}

    local = {"local", "local-moonshine", "local-pocketsphinx"}
    meant, rest = doctor.services({})
    assert names(meant) >= local
    assert set(rest) >= {"deepgram", "groq", "openai", "xai"}
    meant, rest = doctor.services({"XAI_API_KEY": KEY, "GROQ_API_KEY": "no key"})
    assert names(meant) >= {"xai", "groq"}, "what is set and is no key is the user's as well"
    meant, rest = doctor.services({}, everyone=True)
    assert (names(meant) >= {"deepgram", "xai"}, rest) == (True, [])


def test_services_of_a_plan_are_looked_at_as_they_are_set_there() -> None:
    console = {"mine": {"rest": {"requests_per_s": 40, "date": "2026-09-19"}}}
    plan = Plan(Choice("xai", {"key_env": "MY_KEY"}, "mine"), routes=("rest",), budget_usd=1, limits=console)
    (mine, *_), rest = doctor.services({"XAI_API_KEY": KEY}, plan=plan)
    assert "xai" not in rest
    assert (mine.provider.name, mine.allowed.requests_per_s) == ("mine", 40)
    assert "MY_KEY" in doctor._key(mine.provider, {"XAI_API_KEY": KEY}).fix
    assert doctor._allowance(mine, date(2026, 9, 20)).found == "values of your console, 1 days old"


def test_who_needs_no_key_is_said_to_need_none() -> None:
    assert doctor._key(providers.load("xai", key_env=""), {}).found == "none needed"


async def test_any_answer_means_reachable_and_none_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "Timeouts", lambda **_: Timeouts())
    async with http_server(lambda _: http_answer(404, "")) as url:
        assert (await doctor._reachable("there", url)).state == "ok"
    assert (await doctor._reachable("gone", await closed_port())).state == "note"


def test_a_service_that_must_be_told_more_keeps_no_other_from_being_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "names", lambda: ["tests.test_providers:Needy", "tests.test_providers:Echo"])
    meant, rest = doctor.services({}, everyone=True)
    assert [service.provider.name for service in meant] == ["tests.test_providers:Echo"]
    assert rest == ["tests.test_providers:Needy"]
