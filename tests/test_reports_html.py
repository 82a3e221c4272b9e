"""The page: complete, self-contained, safe with hostile text, and usable in a real browser."""

import dataclasses
import functools
import json
import os
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from evalkit.errors import StoreError
from evalkit.reports import html
from evalkit.reports.headline import headline
from tests import handmade
from tests.patience import LONG_S

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\"><!--<script>alert(1)"
VOID = {"meta", "link", "input", "br", "img"}


def made(count: int = 24) -> str:
    manifest, scores, summary, differences = handmade.demo(count)
    return html.page(manifest=manifest, scores=scores, summary=summary, differences=differences)


render = functools.cache(made)


def embedded(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def hostile() -> str:
    """A page in which every text that others wrote tries to break out."""
    manifest, scores, summary, differences = handmade.demo(4)
    renamed = json.loads(json.dumps(manifest).replace("Moonshine tiny-en", json.dumps(HOSTILE)[1:-1]))
    renamed["command"] = f"evalkit run --corpus '{HOSTILE}'"
    spoilt = [
        dataclasses.replace(
            score,
            hypothesis=HOSTILE,
            failure=HOSTILE if place == 0 else None,
            slices={"domain": HOSTILE, "noise": f"{HOSTILE}{place % 2}"},
            clip_id=f"{score.clip_id} {HOSTILE}",
        )
        for place, score in enumerate(scores)
    ]
    rows = [
        dataclasses.replace(row, slice=f"noise={HOSTILE}") if row.slice == "noise=clean" else row for row in summary
    ]
    return html.page(manifest=renamed, scores=spoilt, summary=rows, differences=differences)


def crowded() -> str:
    """2,000 rows; the pooled figures are those of a smaller run."""
    manifest, _, summary, differences = handmade.demo()
    return html.page(manifest=manifest, scores=handmade.scores(500), summary=summary, differences=differences)


class Tags(HTMLParser):
    """Counts open elements and fails on one closed out of order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        found = dict(attrs)
        self.ids += [found["id"]] if found.get("id") else []  # type: ignore[list-item]
        if tag == "a" and (found.get("href") or "").startswith("#"):
            self.links.append((found["href"] or "")[1:])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_every_link_leads_somewhere() -> None:
    tags = Tags()
    tags.feed(render())
    assert tags.open == []
    assert len(tags.ids) == len(set(tags.ids))
    assert tags.links
    assert set(tags.links) <= set(tags.ids)
    assert tags.headings[0] == 1
    assert all(later - earlier <= 1 for earlier, later in zip(tags.headings, tags.headings[1:], strict=False))


def test_the_page_says_what_the_headline_says() -> None:
    page = render().replace("\u00a0", " ")
    text = re.sub(r"<[^>]+>", "", page).replace("&#x27;", "'")
    head = headline(*handmade.demo())
    for sentence in (head.lede, head.caveat, *head.sentences):
        assert sentence in text


def test_every_figure_of_the_headline_leads_to_its_definition() -> None:
    page = render()
    for line in headline(*handmade.demo()).lines:
        assert f'<a href="#def-{line.metric}" title="' in page
        assert f'<div id="def-{line.metric}">' in page


def test_the_page_asks_the_network_for_nothing() -> None:
    page = render()
    assert "default-src 'none'" in page
    assert not re.search(r'(?:src|href)="(?!#|data:)[^"]+"|url\((?!#)|@import', page)


def test_hostile_text_stays_text() -> None:
    page = hostile()
    assert "<img" not in page
    assert page.count("<script") == 2
    assert "<!--" not in page
    rows = embedded(page)["rows"]
    assert all(row["hypothesis"] == HOSTILE for row in rows)
    tags = Tags()
    tags.feed(page)
    assert tags.open == []


def test_every_score_is_in_the_page_worst_first_with_its_words() -> None:
    data = embedded(render())
    assert len(data["rows"]) == 96
    errors = [row["errors"] for row in data["rows"]]
    assert errors == sorted(errors, reverse=True)
    assert data["systems"][data["rows"][0]["system"]].startswith("local-pocketsphinx")
    perfect = next(row for row in data["rows"] if not row["errors"])
    assert len(perfect["steps"]) == 1


def test_the_same_run_gives_the_same_page() -> None:
    assert made(8) == made(8)


@pytest.mark.parametrize("what", ["no incumbent", "one route", "nothing", "no references"])
def test_thin_runs_make_a_page_too(what: str) -> None:
    manifest, scores, summary, differences = handmade.demo(6)
    if what == "no incumbent":
        manifest |= {"incumbent": None}
        scores = [score for score in scores if score.provider == handmade.CANDIDATE]
        summary = [row for row in summary if row.provider == handmade.CANDIDATE]
        differences = []
    elif what == "one route":
        scores = [score for score in scores if score.route == "rest"]
        summary = [row for row in summary if row.route == "rest"]
        differences = [row for row in differences if row.route == row.against_route == "rest"]
    elif what == "no references":
        scores = [dataclasses.replace(score, reference=None, counts={}) for score in scores]
        summary, differences = [], []
    else:
        scores, summary, differences = [], [], []
    tags = Tags()
    tags.feed(html.page(manifest=manifest, scores=scores, summary=summary, differences=differences))
    assert tags.open == []


def test_a_demo_report_is_small_and_written_whole(tmp_path: Path) -> None:
    manifest, scores, summary, differences = handmade.demo()
    path = tmp_path / "report.html"
    html.write(path, manifest=manifest, scores=scores, summary=summary, differences=differences)
    assert path.stat().st_size < 1_000_000
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(StoreError, match="cannot be written"):
        html.write(tmp_path / "no" / "r.html", manifest=manifest, scores=[], summary=[], differences=[])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("EVALKIT_SKIP_BROWSER") == "1":
            pytest.skip("EVALKIT_SKIP_BROWSER=1 and Chromium is not installed")
        pytest.fail("Chromium is not installed: run `apt-get install chromium`, or set EVALKIT_SKIP_BROWSER=1 to skip")
    quiet = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=quiet, timeout=1000 * LONG_S)
        yield browser
        browser.close()


@dataclasses.dataclass
class Opened:
    """A page in the browser with everything it complained about or asked for."""

    page: Page
    complaints: list[str]
    requests: list[str]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Opened]:
    options = getattr(request, "param", {})
    path = tmp_path / "report.html"
    path.write_text(options.get("page", render)(), encoding="utf-8")
    page = browser.new_page(
        viewport=options.get("size", {"width": 1280, "height": 900}), color_scheme=options.get("scheme")
    )
    page.set_default_timeout(1000 * LONG_S)
    found = Opened(page, [], [])
    page.on("console", lambda message: found.complaints.append(message.text))
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    page.on("request", lambda asked: found.requests.append(asked.url))
    page.goto(path.as_uri())
    yield found
    page.close()


@pytest.mark.browser
def test_the_page_opens_without_complaint_and_without_a_request(opened: Opened) -> None:
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []


@pytest.mark.browser
def test_the_first_screen_answers(opened: Opened) -> None:
    """Who is better, by how much, how sure, and what it costs: all above the fold."""
    for selector in ("h1", "table.answer", ".caveat"):
        box = opened.page.locator(selector).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 900
    text = opened.page.locator("table.answer").inner_text()
    for piece in ("points", "fewer errors, clearly", "clusters", "$0.100", "$0.200"):
        assert piece in text


@pytest.mark.browser
def test_clips_can_be_filtered_sorted_searched_and_paged(opened: Opened) -> None:
    page, rows = opened.page, opened.page.locator("#rows > li")
    assert rows.count() == 20
    assert page.locator("#count").inner_text() == "20 of 96 shown"
    page.select_option("#by-system", label="local-moonshine REST")
    assert page.locator("#count").inner_text() == "20 of 24 shown"
    page.select_option("#by-slice", value="noise=pink noise")
    assert page.locator("#count").inner_text() == "3 of 3 shown"
    page.select_option("#by-slice", value="")
    page.select_option("#by-order", value="clip")
    assert rows.first.locator("strong").inner_text() == "clip-00"
    page.select_option("#by-order", value="rate")
    shares = [
        float(text.split(", ")[-1].split(" %")[0]) for text in page.locator(".about :nth-child(3)").all_inner_texts()
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[-1]
    page.click("#more")
    assert rows.count() == 24
    assert not page.locator("#more").is_visible()
    page.fill("#by-text", "clip-07")
    assert rows.count() == 1
    page.fill("#by-text", "no such words")
    assert page.locator("#count").inner_text() == "Nothing matches."
    assert opened.complaints == []


@pytest.mark.browser
def test_errors_are_told_apart_without_colour(opened: Opened) -> None:
    assert opened.page.locator("#rows del").count() > 0
    assert opened.page.locator("#rows ins").first.inner_text().startswith("+")
    assert opened.page.locator("#rows .sub b").first.inner_text().startswith("→")


@pytest.mark.browser
def test_the_keyboard_reaches_definitions_and_filters(opened: Opened) -> None:
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.focus('a[href="#def-acc.wer.en"]')
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash === '#def-acc.wer.en'")
    page.focus("#by-order")
    page.keyboard.press("End")
    page.wait_for_function("document.querySelector('#by-order').value === 'clip'")


@pytest.mark.browser
@pytest.mark.parametrize("opened", [{"scheme": "dark"}, {"scheme": "light"}], indirect=True, ids=["dark", "light"])
def test_text_stands_out_from_its_ground(opened: Opened) -> None:
    """Contrast of at least 4.5 for every text colour in use (WCAG 2 AA), in both schemes."""
    worst = opened.page.evaluate(
        """() => {
          const parse = (text) => text.match(/[\\d.]+/g).map(Number);
          const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
            .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const ground = (node) => {
            for (let at = node; at; at = at.parentElement) {
              const found = parse(getComputedStyle(at).backgroundColor);
              if (found.length === 3 || found[3] > 0) return found;
            }
            return [255, 255, 255];
          };
          let worst = [99, ""];
          for (const node of document.querySelectorAll("body *:not(script):not(svg):not(svg *)")) {
            if (![...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())) continue;
            const pair = [light(parse(getComputedStyle(node).color)), light(ground(node))].sort((a, b) => b - a);
            const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
            if (contrast < worst[0]) worst = [contrast, node.outerHTML.slice(0, 80)];
          }
          return worst;
        }"""
    )
    assert worst[0] >= 4.5, worst[1]


@pytest.mark.browser
@pytest.mark.parametrize("opened", [{"size": {"width": 400, "height": 800}}], indirect=True)
def test_a_phone_scrolls_down_and_not_sideways(opened: Opened) -> None:
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.browser
@pytest.mark.parametrize("opened", [{"page": hostile}], indirect=True)
def test_hostile_text_does_nothing_in_a_browser(opened: Opened) -> None:
    opened.page.click("#rows details summary")
    assert opened.page.title() == "demo – evalkit report"
    assert opened.page.locator("img").count() == 0
    assert HOSTILE in opened.page.locator("#rows dd").nth(1).inner_text()
    assert opened.complaints == []


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("opened", [{"page": crowded}], indirect=True)
def test_of_two_thousand_rows_only_those_shown_are_drawn(opened: Opened) -> None:
    """What keeps a large report quick is that rows become elements when they are seen, not how fast this machine is."""
    page = opened.page
    page.select_option("#by-order", value="rate")
    assert page.locator("#count").inner_text() == "20 of 2000 shown"
    assert page.locator("*").count() < 20_000
    assert opened.complaints == []
