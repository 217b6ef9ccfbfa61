"""Plans and letters: one document as lines, as PDF, always the same bytes."""

from __future__ import annotations

from datetime import date
from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from quimby.report.paper import WIDTH, Heading, Paper, Points, Words, lines, pdf, table_of

WORD = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=9)
PROSE = st.lists(WORD, min_size=1, max_size=40).map(" ".join)


def paper(*blocks: object) -> Paper:
    return Paper("Set-up plan", "one page", "Example #1 $Hospital", date(2026, 3, 2), blocks)  # type: ignore[arg-type]


SAMPLE = paper(
    Heading("Tasks", "two weeks"),
    Words("Everything is *plain* text: # $ _ [x]."),
    Points(("first", "second " * 40), ordered=True),
    table_of(("Task", "Hours"), [("Calibrate the camera", "4"), ("Review", "1.5")], numbers=(1,)),
)


def test_the_page_holds_every_text_as_it_stands() -> None:
    text = " ".join(PdfReader(BytesIO(pdf(SAMPLE))).pages[0].extract_text().split())
    for words in ("Set-up plan", "*plain* text: # $ _ [x].", "Calibrate the camera", "1.5",
                  "Example #1 $Hospital"):  # fmt: skip
        assert words in text, words


def test_the_same_document_gives_the_same_bytes() -> None:
    assert pdf(SAMPLE) == pdf(SAMPLE)


def test_a_terminal_gets_the_same_words() -> None:
    text = "\n".join(lines(SAMPLE))
    for words in ("Tasks  (two weeks)", " 1. first", "Calibrate the camera      4"):
        assert words in text, words


@given(st.lists(st.tuples(PROSE, PROSE, WORD), min_size=1, max_size=4))
def test_no_line_is_wider_than_a_terminal_and_no_word_is_lost(
    rows: list[tuple[str, str, str]],
) -> None:
    made = paper(table_of(("a", "b", "n"), rows, numbers=(2,), wide=(0, 1)))
    told = list(lines(made))
    assert max(map(len, told)) <= WIDTH + 1
    said = "".join("".join(told).split())
    for letter in set("".join("".join(r) for r in rows)) - {" "}:
        assert said.count(letter) >= sum("".join(r).count(letter) for r in rows)
