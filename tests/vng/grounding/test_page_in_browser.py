"""The page in headless Chromium: it plays, scrubs, and shows the mask of a noun alone."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pointvos.visualize.colours import object_colour
from tests.vng.grounding.grounded_squares import (
    GREY,
    QUESTION,
    TEXT,
    grounded_squares,
)
from vng.grounding.grounded import GroundedFrame, NounQuestion
from vng.grounding.page import mask_runs, write_page

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright (extra: dev)")

COUNT, RATE = 20, 10.0
MAN, SHIRT, DOG = (object_colour(n) for n in (1, 2, 3))
HEAD_XY, SHIRT_XY = (60, 40), (60, 80)  # of the man on the first frames
FILL = 115 / 255
# Through a copy: reading the canvas itself makes the browser warn of slow canvases.
READ = """([x, y, width, height]) => {
    const copy = new OffscreenCanvas(width, height).getContext("2d", {willReadFrequently: true});
    copy.drawImage(document.getElementById("view"), -x, -y);
    return [...copy.getImageData(0, 0, width, height).data];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator["sync_api.Browser"]:
    with sync_api.sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        found = [*map(shutil.which, ("chromium", "chromium-browser", "google-chrome")), own]
        programs = [one for one in found if one and Path(one).exists()]
        if not programs:
            pytest.skip("needs Chromium, on the path or by `playwright install chromium`")
        started = playwright.chromium.launch(executable_path=programs[0], args=["--no-sandbox"])
        yield started
        started.close()


class Shown:
    """A page that is open; what goes wrong in it is noted.

    Attributes:
        page: of the browser.
        errors: messages on the console and exceptions.
        requests: addresses of anything but the file itself and data in it.
    """

    def __init__(self, browser: "sync_api.Browser", path: Path, **options: object) -> None:
        self.page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: self.errors.append(dialog.message))
        self.page.on("request", self._note)
        self.page.goto(path.as_uri())
        self.settle()

    def _note(self, request: "sync_api.Request") -> None:
        if not request.url.startswith(("file:", "data:")):
            self.requests.append(request.url)

    def settle(self) -> None:
        """Wait until what was asked for is painted."""
        self.until("painted === asked")

    def until(self, condition: str, *, seconds: float = 10) -> None:
        """Wait for a condition; the page's own policy forbids to poll for it inside."""
        end = time.monotonic() + seconds
        while not self.page.evaluate(condition):
            assert time.monotonic() < end, f"expected {condition} within {seconds} seconds"
            self.page.wait_for_timeout(20)

    def colour(self, x: int, y: int) -> list[int]:
        """Of the canvas, at a pixel of the frame."""
        return self.colours(x, y, x + 1, y + 1)[0, 0].tolist()

    def colours(self, left: int, top: int, right: int, bottom: int) -> np.ndarray:
        """Of the canvas in a part of the frame, which has two pixels for each of its own."""
        box = [2 * left, 2 * top, 2 * (right - left), 2 * (bottom - top)]
        data = self.page.evaluate(READ, box)
        return np.array(data).reshape(box[3], box[2], 4)[..., :3]

    @property
    def current(self) -> int:
        return self.page.evaluate("current")

    def noun(self, number: int) -> "sync_api.Locator":
        return self.page.locator(f"#narrative .noun[data-noun='{number - 1}']").first


@pytest.fixture
def shown(browser, tmp_path) -> Iterator[Shown]:
    path = tmp_path / "index.html"
    write_page(path, grounded_squares(COUNT), QUESTION, title="squares", rate=RATE, count=COUNT)
    opened = Shown(browser, path)
    yield opened
    opened.page.close()
    assert opened.errors == []
    assert opened.requests == []


def near(found: list[int] | np.ndarray, colour: object) -> np.ndarray:
    return np.abs(np.asarray(found, float) - np.asarray(colour, float)).max(axis=-1) < 6


def mixed(colour: tuple[int, int, int]) -> np.ndarray:
    return (1 - FILL) * GREY + FILL * np.array(colour, float)


def test_all_nouns_are_painted_at_first(shown):
    assert near(shown.colour(*HEAD_XY), mixed(MAN))
    assert near(shown.colour(5, 5), [GREY] * 3)
    shirt = shown.colours(20, 68, 60, 92)
    for colour in (MAN, SHIRT):  # both, in stripes
        assert 0.3 < near(shirt, mixed(colour)).mean() < 0.7
    outline = shown.colours(30, 19, 60, 21)
    assert near(outline, MAN).mean() > 0.3


def test_pointing_at_a_noun_shows_its_mask_alone(shown):
    shown.noun(2).hover()
    shown.settle()

    assert near(shown.colour(*HEAD_XY), [GREY] * 3)
    assert near(shown.colours(20, 68, 60, 92), mixed(SHIRT)).all()
    shown.noun(3).hover()  # there is none on the frame
    shown.settle()
    assert near(shown.colours(0, 0, 160, 120), [GREY] * 3).all()
    shown.page.mouse.move(5, 5)
    shown.settle()
    assert near(shown.colour(*HEAD_XY), mixed(MAN))


def test_a_click_keeps_a_noun_until_the_next_or_escape(shown):
    shown.noun(2).click()
    shown.page.mouse.move(5, 5)
    shown.settle()
    assert near(shown.colour(*HEAD_XY), [GREY] * 3)
    assert shown.noun(2).get_attribute("aria-pressed") == "true"

    shown.page.locator(".row button").first.click()  # the man as well
    shown.page.mouse.move(5, 5)
    shown.settle()
    assert near(shown.colour(*HEAD_XY), mixed(MAN))

    shown.noun(1).click()  # not the man any more
    shown.page.mouse.move(5, 5)
    shown.settle()
    assert near(shown.colour(*HEAD_XY), [GREY] * 3)

    shown.page.keyboard.press("Escape")
    shown.settle()
    assert near(shown.colour(*HEAD_XY), mixed(MAN))
    assert shown.noun(2).get_attribute("aria-pressed") == "false"


def test_nouns_are_reached_by_keyboard(shown):
    shown.page.locator("#slider").focus()
    shown.page.keyboard.press("Tab")
    shown.page.keyboard.press("Tab")
    shown.settle()
    assert shown.page.evaluate("document.activeElement.textContent") == "red shirt2"
    assert near(shown.colour(*HEAD_XY), [GREY] * 3)

    shown.page.keyboard.press("Enter")
    shown.page.keyboard.press("Shift+Tab")
    shown.page.keyboard.press("Shift+Tab")
    shown.settle()
    assert near(shown.colour(*HEAD_XY), [GREY] * 3)  # kept
    assert shown.noun(2).get_attribute("aria-pressed") == "true"
    assert shown.page.evaluate("clock") is None  # the key did not start to play


def test_the_slider_scrubs(shown):
    shown.page.locator("#slider").fill("6")
    shown.settle()

    assert shown.current == 6
    assert shown.page.locator("#place").text_content() == "frame 00006 (7/20)\n0.60 s"
    assert near(shown.colour(10 + 8 * 6 + 30, 40), mixed(MAN))
    assert near(shown.colour(30, 40), [GREY] * 3)  # where the man was before
    assert near(shown.colours(66, 68, 110, 92), mixed(MAN)).all()  # the shirt is not seen any more
    texts = shown.page.locator(".score").all_text_contents()
    assert texts == ["0.90", "not seen, 0.20", "not seen, 0.05"]
    assert shown.page.locator(".now").first.get_attribute("x1") == "6"


def test_keys_step(shown):
    for key, place in [
        ("ArrowRight", 1),
        ("Shift+ArrowRight", 11),
        ("ArrowLeft", 10),
        ("End", COUNT - 1),
        ("ArrowRight", COUNT - 1),
        ("Home", 0),
        ("ArrowLeft", 0),
    ]:
        shown.page.keyboard.press(key)
        assert shown.current == place
    shown.page.locator("#slider").focus()
    shown.page.keyboard.press("ArrowRight")
    assert shown.current == 1


def test_it_plays_in_real_time_stops_and_begins_again(shown):
    shown.page.keyboard.press(" ")
    shown.until("current >= 8")
    seconds = shown.page.evaluate("(performance.now() - clock.now) / 1000")
    assert abs(shown.current - seconds * RATE) <= 2
    assert shown.page.locator("#play").get_attribute("aria-label") == "Pause"

    shown.page.locator("#play").click()
    stopped = shown.current
    shown.page.wait_for_timeout(350)
    assert shown.current == stopped

    shown.page.locator("#view").click()
    shown.until("current < 8")  # after the end, the start
    shown.page.keyboard.press(" ")
    shown.settle()
    assert near(shown.colour(10 + 8 * shown.current + 30, 40), mixed(MAN)) or shown.current > 8


def test_charts_show_scores_where_masks_are_and_are_clicked(shown):
    curve = shown.page.locator(".curve").nth(1).get_attribute("d")
    assert curve.count("L") == COUNT - 1
    assert curve.startswith("M0 20.0L1 20.0L2 20.0L3 80.0")
    assert shown.page.locator(".area").nth(1).get_attribute("d").startswith("M-0.5 104L")
    assert shown.page.locator(".area").nth(1).get_attribute("d").endswith("L2.5 104Z")
    assert not shown.page.locator(".area").nth(2).get_attribute("d")

    box = shown.page.locator(".chart").first.bounding_box()
    shown.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 10)
    assert shown.current in (9, 10)
    assert shown.page.evaluate("pinned.size") == 0


def test_run_lengths_are_decoded_as_they_were_written(shown):
    rng = np.random.default_rng(0)
    masks = [rng.random((37, 53)) < density for density in (0.001, 0.1, 0.5, 0.9, 1.0)]
    blocks = np.kron(rng.random((9, 16)) < 0.3, np.ones((40, 40))).astype(bool)
    for mask in (*masks, blocks, np.ones((360, 640), bool), np.zeros((8, 9), bool)):
        text = mask_runs(mask)
        decoded = shown.page.evaluate(
            "([text, size]) => Array.from(decodeMask(text, size)).join('')", [text, mask.size]
        )
        assert decoded == "".join("01"[int(value)] for value in mask.ravel())


def test_the_noun_is_named_where_texts_are_hostile(browser, tmp_path):
    text = "</script><script>alert(1)</script> & \U0001f6b2 \"'man' \u05d0\u05d5 <b>dog"
    nouns = ["\U0001f6b2", "'man'", "\u05d0\u05d5", "dog"]
    asked = NounQuestion(text, tuple((text.index(n), text.index(n) + len(n)) for n in nouns))
    masks = np.zeros((4, 60, 80), bool)
    masks[1, 10:50, 10:60] = True
    rgb = np.full((60, 80, 3), GREY, np.uint8)
    frame = GroundedFrame(0, "</script>\"'", rgb, masks, np.ones(4, np.float32))
    path = tmp_path / "index.html"
    write_page(path, [frame], asked, title=text, rate=5, count=1, note=text)

    shown = Shown(browser, path)

    written = shown.page.evaluate(
        "(() => { const copy = $('narrative').cloneNode(true);"
        " copy.querySelectorAll('sub').forEach((one) => one.remove()); return copy.textContent })()"
    )
    assert written == text
    shown.noun(2).hover()
    shown.settle()
    assert near(shown.colour(30, 30), mixed(SHIRT))
    shown.page.keyboard.press(" ")  # a video of one frame plays as well
    shown.page.wait_for_timeout(500)
    assert shown.current == 0
    assert "</script>\"'" in shown.page.locator("#place").text_content()
    shown.page.close()
    assert (shown.errors, shown.requests) == ([], [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_it_fits_a_phone_and_follows_the_colour_scheme(browser, tmp_path, scheme, width):
    path = tmp_path / "index.html"
    asked = NounQuestion(TEXT + " " + "m" * 90, QUESTION.spans)
    write_page(path, grounded_squares(3), asked, title="t" * 90, rate=RATE, count=3)

    shown = Shown(
        browser, path, viewport={"width": width, "height": 700}, color_scheme=scheme, has_touch=True
    )

    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
    canvas = shown.page.locator("#view").bounding_box()
    assert canvas["width"] > 0.5 * min(width, 900)
    assert canvas["width"] / canvas["height"] == pytest.approx(160 / 120, rel=0.02)
    paper, ink = shown.page.evaluate(
        "['backgroundColor', 'color'].map((key) => getComputedStyle(document.body)[key])"
    )
    brightness = [sum(map(int, one[4:-1].split(","))) for one in (paper, ink)]
    assert (brightness[0] > brightness[1]) == (scheme == "light")
    shown.noun(2).tap()
    shown.settle()
    assert near(shown.colour(*HEAD_XY), [GREY] * 3)
    assert near(shown.colours(20, 68, 60, 92), mixed(SHIRT)).all()
    shown.page.close()
    assert (shown.errors, shown.requests) == ([], [])
