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
    APPLICATION,
    FOUND,
    HOSTILE,
    KEY,
    OTHER_APPLICATION,
    OTHER_KEY,
    TUESDAY,
    answer,
    different,
    drifted,
    fleet,
    groups_of,
    hostile_report,
    ignoring,
    large,
    make,
    vault,
)

playwright = pytest.importorskip("playwright.sync_api")
Axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe


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
        self.page.set_default_timeout(10_000)
        self.page.on("console", lambda message: self.noise.append(message.text))
        self.page.on("pageerror", lambda error: self.noise.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.noise.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())

    def groups(self) -> list[str]:
        """The headings of the groups that match, in their order."""
        found = self.page.evaluate(
            "[...document.querySelectorAll('#groups .kind:not([hidden]) article:not([hidden])')]"
            ".map(one => one.querySelector('h3').textContent)"
        )
        return t.cast("list[str]", found)

    def kinds(self) -> list[str]:
        """The lines of what needs attention."""
        return [" ".join(text.split()) for text in self.page.locator("#groups > .kind > summary").all_inner_texts()]

    def choose(self, label: str, choice: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(label=choice)

    def find(self, words: str) -> None:
        self.page.get_by_label("Find words anywhere").fill(words)


@pytest.fixture(scope="module")
def report() -> dict[str, t.Any]:
    """A fleet with the ordinary trouble, the day after one of which a part is gone."""
    looked = fleet()
    before = {**looked, "sgp-nas01": answer(*(vault(f"svm{n:02}", found=FOUND) for n in range(20)))}
    before["ams-nas03"] = answer(*(drifted(f"svm{n:02}", tenant_id=("a", "b")) for n in range(20)))
    groups = groups_of(looked)
    provenance = {"revision": "3f1c9a7d5e", "user": "operations", "job": "4711", "ansible_core": "2.18.1"}
    exceptions = ignoring(host="syd-nas01", field="proxy_*", expires="2026-12-31")
    monday = make(before, groups=groups, ignore=exceptions)
    return make(looked, TUESDAY, previous=monday, groups=groups, provenance=provenance, ignore=exceptions)


KINDS = [
    "Azure cannot be reached, or refuses the credential azure_unreachable (ONTAP code 65537540)",
    "Keys are missing on nodes keys_missing",
    "Another application client_id",
    "Another key key_id",
    "Another vault, which cannot be mended in place name",
    "Health is unknown unknown",
    "No configuration",
    "An undescribed setting oauth_host",
    "A configuration that nobody described",
]
CAUSES = ["Login refused", "No connection: Connection timed out", "SVM svm-gone does not exist."]


def test_the_first_screen_names_every_kind_of_trouble(browser: t.Any, report: dict[str, t.Any], tmp_path: Path) -> None:
    page = Page(browser, tmp_path, report)
    assert page.noise == []
    assert len(page.asked) == 1
    for text in (*CAUSES, *(kind.partition(" (")[0].rpartition(" ")[0] for kind in KINDS[:2])):
        assert page.page.get_by_text(text).first.is_visible()
    assert [kind in line for line, kind in zip(page.kinds(), KINDS)] == [True] * len(KINDS)
    lines = page.page.locator(".cause > summary, #groups > .kind > summary")
    assert lines.count() == len(CAUSES) + len(KINDS)
    bottoms = lines.evaluate_all("all => all.map(one => one.getBoundingClientRect().bottom)")
    assert max(bottoms) <= 900
    # The cause of what could not be asked is above all that differs.
    assert bottoms == sorted(bottoms)


def test_identical_findings_are_one_group(browser: t.Any, report: dict[str, t.Any], tmp_path: Path) -> None:
    page = Page(browser, tmp_path, report)
    (line,) = (line for line in page.kinds() if "client_id" in line)
    assert "20 configurations on sgp-nas01" in line
    assert "20 new" in line
    page.page.get_by_text("Another application", exact=True).click()
    group = page.page.locator("article", has_text="client_id on all 20 SVMs of sgp-nas01")
    assert group.is_visible()
    assert group.locator("mark").all_inner_texts() == [APPLICATION, OTHER_APPLICATION]
    assert not group.locator(".members").is_visible()
    group.locator("details > summary").click()
    assert group.locator(".members tbody tr").count() == 20
    assert group.locator(".members tbody tr").first.inner_text().split() == [
        "svm00",
        "differs",
        "healthy",
        "2026-03-03",
        "new",
    ]


def test_the_difference_is_inside_the_value(browser: t.Any, report: dict[str, t.Any], tmp_path: Path) -> None:
    page = Page(browser, tmp_path, report)
    page.page.get_by_text("Another key", exact=True).click()
    group = page.page.locator("article", has_text="key_id on svm04 of nyc-nas01")
    # To the letter, whatever the parts are called.
    assert group.locator(".diff code").all_inner_texts() == [KEY, OTHER_KEY]
    assert group.locator("mark").all_inner_texts() == [KEY.rpartition("/")[2], OTHER_KEY.rpartition("/")[2]]
    assert group.get_by_text("Version differs; vault and key are the same.").is_visible()
    assert "underline" in group.locator("mark").first.evaluate("one => getComputedStyle(one).textDecorationLine")


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("Another application", "ansible-playbook ontap.security.apply -i inventory --limit sgp-nas01 --check --diff"),
        (
            "Keys are missing on nodes",
            "ansible-playbook ontap.security.restore -i inventory --limit fra-nas02 --check --diff",
        ),
    ],
)
def test_what_to_do_can_be_copied(
    browser: t.Any, report: dict[str, t.Any], tmp_path: Path, kind: str, command: str
) -> None:
    page = Page(browser, tmp_path, report, permissions=["clipboard-read", "clipboard-write"])
    page.page.get_by_text(kind, exact=True).click()
    page.page.get_by_role("button", name=f"Copy {command}", exact=True).click()
    assert page.page.evaluate("navigator.clipboard.readText()") == command
    assert page.page.get_by_role("button", name=f"Copy {command}", exact=True).inner_text() == "Copied"


def test_a_code_leads_to_what_it_means(browser: t.Any, report: dict[str, t.Any], tmp_path: Path) -> None:
    page = Page(browser, tmp_path, report)
    page.page.get_by_text("Azure cannot be reached, or refuses the credential", exact=True).click()
    page.page.get_by_role("link", name="ONTAP code 65537540").first.click()
    assert page.page.locator("#code-65537540").is_visible()
    assert "client secret is not valid" in page.page.locator("#code-65537540 + dd").inner_text()


def test_verdict_and_health_are_two_columns(browser: t.Any, report: dict[str, t.Any], tmp_path: Path) -> None:
    page = Page(browser, tmp_path, report)
    page.page.get_by_text("Keys are missing on nodes", exact=True).click()
    (cells,) = page.page.locator("article:visible .members tbody tr").evaluate_all(
        "all => all.map(row => [...row.cells].map(cell => cell.textContent))"
    )
    assert cells[:3] == ["svm03", "as described", "keys missing"]
    tiles = page.page.locator("#tiles + dl div").evaluate_all(
        "all => all.map(one => [one.children[0].textContent, one.children[1].textContent])"
    )
    numbers = {name: int(number) for name, number in tiles if name != "described"}
    assert sum(numbers.values()) == report["summary"]["configurations"]["total"] == 540
    assert (numbers["critical"], numbers["well"]) == (2, 509)


def test_it_filters(browser: t.Any, report: dict[str, t.Any], tmp_path: Path) -> None:
    page = Page(browser, tmp_path, report)
    assert len(page.groups()) == 10
    page.find("NAS01 key_id")
    assert page.groups() == ["highkey_id on svm04 of nyc-nas01"]
    # What was looked for is open.
    assert page.page.locator("article:visible").count() == 1
    page.find("nowhere")
    assert page.groups() == []
    assert page.page.locator("#none").is_visible()
    page.find("")
    page.choose("Severity", "medium")
    assert page.groups() == ["mediumA configuration that nobody described on svm06 of syd-nas02"]
    page.choose("Severity", "any")
    page.choose("Inventory group", "lab")
    assert [text.rpartition(" ")[2] for text in page.groups()] == ["lab-nas02", "lab-nas01"]
    page.choose("Inventory group", "all")
    page.choose("Age", "only new")
    assert page.groups() == ["highclient_id on all 20 SVMs of sgp-nas01"]
    assert page.noise == []


def test_filters_are_in_the_address(browser: t.Any, report: dict[str, t.Any], tmp_path: Path) -> None:
    page = Page(browser, tmp_path, report)
    page.choose("Severity", "critical")
    page.find("fra")
    page.page.wait_for_url("**#q=fra&severity=critical")
    wanted = page.groups()
    address = page.page.url
    page.page.goto("about:blank")
    page.page.goto(address)
    assert page.groups() == wanted == ["criticalkeys_missing on svm03 of fra-nas02"]
    assert page.page.get_by_label("Severity", exact=True).input_value() == "critical"
    # What is no choice is none.
    page.page.goto(address.partition("#")[0] + "#severity=nonsense&view=cluster")
    assert len(page.groups()) == 10
    assert page.page.get_by_label("View", exact=True).input_value() == "cluster"


def test_it_views_by_cluster_and_by_key(browser: t.Any, report: dict[str, t.Any], tmp_path: Path) -> None:
    page = Page(browser, tmp_path, report)
    before = page.groups()
    page.choose("View", "by cluster")
    assert any(line.startswith("\u25b8") or "sgp-nas01" in line for line in page.kinds())
    assert sorted(page.groups()) == sorted(before)
    page.choose("View", "by cause")
    assert page.groups() == before
    page.choose("View", "by key")
    assert not page.page.locator("#groups").is_visible()
    use = page.page.locator("[data-u=key_id] .use")
    use.locator("summary").click()
    text = use.inner_text()
    for said in ("538 configurations on 27 clusters", "version 0c1f6b7e93d84a52b6a1d7f05e2c9a11", "svm04 \u2260"):
        assert said in text
    page.choose("View", "by application")
    assert page.page.locator("[data-u=client_id] .use").all_inner_texts()[1].endswith("21 configurations on 2 clusters")


def test_squares_have_names_and_are_reached_by_keyboard(
    browser: t.Any, report: dict[str, t.Any], tmp_path: Path
) -> None:
    page = Page(browser, tmp_path, report)
    squares = page.page.locator(".fleet a")
    assert squares.count() == 30
    assert page.page.locator("#fleet ~ h3").all_inner_texts() == ["lab", "production"]
    page.page.get_by_role("link", name="sgp-nas01: high").focus()
    page.page.keyboard.press("Enter")
    assert page.groups() == ["highclient_id on all 20 SVMs of sgp-nas01"]
    # Whatever else there is on the page, the keyboard opens it.
    page.find("")
    page.page.locator("#groups > .kind > summary").first.focus()
    page.page.keyboard.press("Enter")
    assert page.page.locator("#groups > .kind").first.get_attribute("open") is not None


@pytest.mark.parametrize("width", [1280, 700, 400])
def test_nothing_is_cut_off(browser: t.Any, report: dict[str, t.Any], tmp_path: Path, width: int) -> None:
    page = Page(browser, tmp_path, report)
    page.page.set_viewport_size({"width": width, "height": 900})
    page.page.reload()
    page.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.page.evaluate(WIDE)
    assert wide == []
    for text in page.page.evaluate(BROKEN):
        assert not text, text


def test_on_a_small_screen_cards_show_both_values(browser: t.Any, report: dict[str, t.Any], tmp_path: Path) -> None:
    page = Page(browser, tmp_path, report)
    page.page.set_viewport_size({"width": 400, "height": 900})
    page.page.reload()
    values = page.page.locator("#groups .diff code:visible")
    assert {APPLICATION, OTHER_APPLICATION, KEY, OTHER_KEY} <= set(values.all_inner_texts())
    assert values.evaluate_all("all => all.every(one => one.getBoundingClientRect().right <= innerWidth)")


# Values and commands that are wider than the room they have, and so can only be scrolled.
WIDE = """[...document.querySelectorAll(".diff dd, pre")]
.filter((e) => e.offsetParent && e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent)"""
# Words of values that begin on one line and end on another.
BROKEN = """[...document.querySelectorAll(".diff [data-p], .diff code:not(:has([data-p])), pre .w, summary .w")]
.filter((e) => e.offsetParent && new Set([...e.getClientRects()].map((r) => Math.round(r.top))).size > 1)
.map((e) => e.textContent)"""


def test_it_says_so_when_nothing_differs(browser: t.Any, tmp_path: Path) -> None:
    page = Page(browser, tmp_path, make({"c1": answer(vault())}))
    assert "Everything is as described" in page.page.locator(".banner").inner_text()
    assert page.page.get_by_text("Nothing that could be compared needs attention.").is_visible()
    assert page.noise == []


def test_it_says_what_has_become_of_last_time(browser: t.Any, report: dict[str, t.Any], tmp_path: Path) -> None:
    page = Page(browser, tmp_path, report)
    card = page.page.locator("section", has=page.page.locator("#since"))
    assert card.locator("dl").inner_text().split() == ["new", "20", "still", "open", "12", "gone", "20"]
    assert card.locator("svg").get_attribute("aria-label") == (
        "Open findings in the last 2 reports: 32 on 2026-03-02, at most 32, now 32"
    )
    card.get_by_text("What is gone").click()
    assert "ams-nas03: tenant_id on svm00" in card.inner_text()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 400)])
def test_axe_finds_no_violation(browser: t.Any, tmp_path: Path, scheme: str, width: int) -> None:
    # Of each kind one, because axe looks at every element there is.
    looked = fleet(21, 10)
    small = make(looked, groups=groups_of(looked), ignore=ignoring(host="syd-nas01", field="proxy_*"))
    page = Page(browser, tmp_path, small, color_scheme=scheme, bypass_csp=True)
    page.page.set_viewport_size({"width": width, "height": 900})
    page.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.page.wait_for_function("document.querySelector('article .copy + button')")
    found = Axe().run(page.page)
    assert found.response["violations"] == [], found.generate_report()


def test_both_colour_schemes_can_be_read(browser: t.Any, report: dict[str, t.Any], tmp_path: Path) -> None:
    grounds = set()
    for scheme in ("light", "dark"):
        page = Page(browser, tmp_path, report, color_scheme=scheme)
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
    page.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.choose("View", "by cluster")
    page.page.locator(".fleet a").first.click()
    page.find("")
    page.page.wait_for_timeout(100)
    assert page.noise == []
    assert len(page.asked) == 1
    assert page.page.locator("script").count() == 2
    assert page.page.locator("img").count() == 0
    seen = page.page.locator("main").text_content()
    for text in HOSTILE[:5]:
        assert text.strip() in seen


def test_the_browser_would_run_nothing_else(browser: t.Any, report: dict[str, t.Any], tmp_path: Path) -> None:
    """Even if a value were not escaped."""
    page = Page(browser, tmp_path, report)
    path = tmp_path / "broken.html"
    broken = "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"
    path.write_text(render_drift_report(report, "html").replace("<main>", "<main>" + broken), encoding="utf-8")
    page.page.goto(path.as_uri())
    assert page.page.title() != "run"
    assert any("Content Security Policy" in line for line in page.noise)


def test_a_large_fleet_opens_and_filters_without_lag(browser: t.Any, tmp_path: Path) -> None:
    page = Page(browser, tmp_path, large(different(200)))
    assert page.page.locator("#shown").inner_text() == "200 of 200 match"
    begin = time.monotonic()
    page.find("c199")
    assert page.groups() == ["highkey_id on all 20 SVMs of c199"]
    # Far more than it takes, for machines that are busy with other tests.
    assert time.monotonic() - begin < 5
    # Each value is there with its difference.
    assert page.page.locator("article:visible mark").count() == 40


def test_it_prints_all_that_matches(browser: t.Any, report: dict[str, t.Any], tmp_path: Path) -> None:
    page = Page(browser, tmp_path, report)
    page.choose("Severity", "critical")
    page.page.emulate_media(media="print", color_scheme="dark")
    page.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.page.locator("article:visible").count() == 2 + 1  # the one that is ignored
    assert not page.page.locator(".controls").is_visible()
    assert not page.page.locator("button:visible").count()
    assert page.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.page.pdf()[:4] == b"%PDF"
    page.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.page.locator(".card[open]").count() == 1


def test_without_scripts_everything_can_be_read(browser: t.Any, report: dict[str, t.Any], tmp_path: Path) -> None:
    page = Page(browser, tmp_path, report, java_script_enabled=False)
    assert len(page.kinds()) == len(KINDS)
    assert not page.page.locator(".controls").is_visible()
    assert not page.page.locator("#none").is_visible()
    page.page.get_by_text("Another key", exact=True).click()
    assert page.page.locator("article:visible .diff code").all_inner_texts() == [KEY, OTHER_KEY] * 2
    page.page.get_by_role("link", name="sgp-nas01: high").click()
    assert page.page.locator("tr", has_text="sgp-nas01").is_visible()
