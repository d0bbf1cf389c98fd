# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML report in a browser: opens from a file, filters and sorts, in both colour schemes, with hostile values."""

from __future__ import annotations

import shutil
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.ontap.security.plugins.filter.render_drift_report import render_drift_report
from tests.support.reports import (
    HOSTILE,
    NO_ANSWER,
    answer,
    drifted,
    hostile_report,
    ignoring,
    make,
    vault,
)

playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def browser() -> t.Iterator[t.Any]:
    # `make integration` installs it where that is allowed.
    executable = shutil.which("chromium")
    if not executable:
        pytest.skip("!!! chromium is not installed: the HTML report has NOT BEEN CHECKED in a browser")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield launched
        launched.close()


class Page:
    """A report in the browser, and everything that it complained about or asked for."""

    def __init__(self, browser: t.Any, folder: Path, report: t.Mapping[str, t.Any], **options: t.Any) -> None:
        path = folder / "drift-report.html"
        path.write_text(render_drift_report(report, "html"), encoding="utf-8")
        self.noise: list[str] = []
        self.asked: list[str] = []
        self.page = browser.new_page(viewport={"width": 1280, "height": 900}, **options)
        self.page.on("console", lambda message: self.noise.append(message.text))
        self.page.on("pageerror", lambda error: self.noise.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.noise.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())

    def rows(self) -> list[list[str]]:
        found = self.page.evaluate(
            "[...document.querySelectorAll('#rows tbody:not([hidden])')]"
            ".map(body => [...body.rows[0].cells].map(cell => cell.textContent))"
        )
        return t.cast("list[list[str]]", found)

    def column(self, number: int) -> list[str]:
        return [row[number] for row in self.rows()]


@pytest.fixture
def fleet() -> dict[str, t.Any]:
    looked = {
        "c2": answer(drifted("vs0", port=(443, 8443)), drifted("vs1", key_id=("k1", "k2"))),
        "c10": answer(vault("vs0"), vault("vs9", "unmanaged")),
        "c3": NO_ANSWER,
        "c4": answer(drifted("vs0", proxy_host=("a", "b"))),
    }
    return make(looked, ignore=ignoring(host="c4"))


def test_it_opens_quietly_and_shows_what_needs_attention(
    browser: t.Any, fleet: dict[str, t.Any], tmp_path: Path
) -> None:
    page = Page(browser, tmp_path, fleet)
    assert page.noise == []
    assert len(page.asked) == 1
    assert page.column(0) == ["high", "high", "medium", "medium"]
    assert set(page.column(1)) == {"c2", "c3", "c10"}
    assert page.page.locator("#shown").inner_text() == "4 of 6 match"
    assert page.page.locator(".fleet rect").count() == 4
    assert "1 unreachable" in page.page.locator(".fleet").get_attribute("aria-label")


def test_it_filters(browser: t.Any, fleet: dict[str, t.Any], tmp_path: Path) -> None:
    page = Page(browser, tmp_path, fleet)
    page.page.get_by_label("Find words in any column").fill("C2 KEY")
    assert page.column(4) == ["key_id"]
    page.page.get_by_label("Find words in any column").fill("nowhere")
    assert page.rows() == []
    assert page.page.locator("#none").is_visible()
    page.page.get_by_label("Find words in any column").fill("")
    page.page.get_by_label("Severity", exact=True).select_option("medium")
    assert set(page.column(0)) == {"medium"}
    page.page.get_by_label("Severity", exact=True).select_option("")
    page.page.get_by_label("Show", exact=True).select_option(label="what is ignored")
    assert page.column(1) == ["c4"]
    page.page.get_by_label("Show", exact=True).select_option(label="everything")
    assert len(page.rows()) == 6
    page.page.locator(".fleet rect").first.click()
    assert set(page.column(1)) == {"c10"}
    assert page.noise == []


def test_it_sorts(browser: t.Any, fleet: dict[str, t.Any], tmp_path: Path) -> None:
    page = Page(browser, tmp_path, fleet)
    head = page.page.locator("#rows thead th").nth(1)
    head.get_by_role("button").click()
    assert page.column(1) == ["c2", "c2", "c3", "c10"]
    assert head.get_attribute("aria-sort") == "ascending"
    # With the keyboard as well.
    head.get_by_role("button").press("Enter")
    assert page.column(1) == ["c10", "c3", "c2", "c2"]
    assert page.page.locator("#rows thead th[aria-sort]").count() == 1


def test_it_says_so_when_nothing_differs(browser: t.Any, tmp_path: Path) -> None:
    page = Page(browser, tmp_path, make({"c1": answer(vault())}))
    assert "Everything is as described" in page.page.locator(".banner").inner_text()
    assert len(page.rows()) == 1


def test_both_colour_schemes_can_be_read(browser: t.Any, fleet: dict[str, t.Any], tmp_path: Path) -> None:
    grounds = set()
    for scheme in ("light", "dark"):
        page = Page(browser, tmp_path, fleet, color_scheme=scheme)
        for colour, ground in page.page.evaluate(COLOURS):
            assert contrast(colour, ground) >= 4.5, (scheme, colour, ground)
        grounds.add(page.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2


# The colours of all text, each with that of the nearest ground below it.
COLOURS = """
[...document.querySelectorAll("main *")].filter((e) => e.offsetParent && e.innerText?.trim()).map((e) => {
  let ground = e;
  while (getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)") ground = ground.parentElement;
  return [getComputedStyle(e).color, getComputedStyle(ground).backgroundColor];
})
"""


def contrast(one: str, other: str) -> float:
    """As WCAG defines it."""

    def luminance(colour: str) -> float:
        channels = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear))

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_hostile_values_are_only_text(browser: t.Any, tmp_path: Path) -> None:
    page = Page(browser, tmp_path, hostile_report())
    page.page.get_by_label("Show", exact=True).select_option(label="everything")
    page.page.locator("#rows thead button").nth(5).click()
    page.page.locator(".fleet rect").first.click()
    page.page.get_by_label("Find words in any column").fill("")
    page.page.wait_for_timeout(100)
    assert page.noise == []
    assert len(page.asked) == 1
    assert page.page.locator("script").count() == 2
    assert page.page.locator("img").count() == 0
    cells = " ".join(text for row in page.rows() for text in row)
    for text in HOSTILE[:5]:
        assert text.strip() in cells
    assert len({len(row) for row in page.rows()}) == 1


def test_the_browser_would_run_nothing_else(browser: t.Any, fleet: dict[str, t.Any], tmp_path: Path) -> None:
    """Even if a value were not escaped."""
    page = Page(browser, tmp_path, fleet)
    path = tmp_path / "broken.html"
    broken = "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"
    path.write_text(render_drift_report(fleet, "html").replace("<main>", "<main>" + broken), encoding="utf-8")
    page.page.goto(path.as_uri())
    assert page.page.title() != "run"
    assert any("Content Security Policy" in line for line in page.noise)


def test_five_thousand_rows_open_and_filter_without_lag(browser: t.Any, tmp_path: Path) -> None:
    looked = {f"c{n:03}": answer(*(drifted(f"vs{m}") for m in range(20))) for n in range(250)}
    page = Page(browser, tmp_path, make(looked))
    assert page.page.locator("#shown").inner_text() == "5,000 of 5,000 match"
    begin = time.monotonic()
    page.page.get_by_label("Find words in any column").fill("c249")
    assert len(page.rows()) == 20
    # Far more than it takes, for machines that are busy with other tests.
    assert time.monotonic() - begin < 5
    page.page.get_by_label("Find words in any column").fill("")
    page.page.get_by_role("button", name="Show all 5,000").click()
    assert len(page.rows()) == 5000


def test_it_prints_all_that_matches(browser: t.Any, tmp_path: Path) -> None:
    page = Page(browser, tmp_path, make({f"c{n:03}": answer(drifted()) for n in range(500)}))
    assert len(page.rows()) == 400
    page.page.emulate_media(media="print", color_scheme="dark")
    page.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert len(page.rows()) == 500
    assert not page.page.locator(".controls").is_visible()
    assert page.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.page.pdf()[:4] == b"%PDF"


def test_without_scripts_everything_is_there(browser: t.Any, fleet: dict[str, t.Any], tmp_path: Path) -> None:
    page = Page(browser, tmp_path, fleet, java_script_enabled=False)
    assert page.page.locator("#rows tbody tr:first-child").count() == 6
    assert page.page.locator("#rows").is_visible()
    assert not page.page.locator(".controls").is_visible()
