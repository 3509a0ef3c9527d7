"""The transcript of an execution, read page by page."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cokernel.kernel.link import Message
from cokernel.kernel.outputs import OutputBuffer, OutputLimits
from tests.support.iopub import (
    buffer_of,
    clear,
    display,
    error,
    png,
    result,
    stream,
    transcript_of,
    update,
)

WORDS = st.text(alphabet="ab \n\té", max_size=20)
APPENDING: st.SearchStrategy[Message] = st.one_of(
    WORDS.map(stream),
    WORDS.map(lambda text: stream(text, "stderr")),
    WORDS.map(lambda text: display({"text/plain": text})),
    WORDS.map(lambda text: result({"text/plain": text})),
    st.just(display({"image/png": png(2, 2)})),
    st.just(error("KeyError", "'x'", "KeyError: 'x'")),
)
REPLACING: st.SearchStrategy[Message] = st.one_of(
    APPENDING,
    WORDS.map(lambda text: stream("\r" + text)),
    WORDS.map(lambda text: stream("\x1b[A" + text)),
    WORDS.map(lambda text: display({"text/plain": text}, "d")),
    WORDS.map(lambda text: update({"text/plain": text}, "d")),
    st.booleans().map(lambda wait: clear(wait=wait)),
)


class Reader:
    """An agent that keeps what it has read and follows what pages say."""

    def __init__(self, buffer: OutputBuffer, limit: int) -> None:
        self.buffer = buffer
        self.limit = limit
        self.text = ""
        self.offset = 0

    def read_on(self) -> None:
        while True:
            page = self.buffer.page(self.offset, self.limit)
            self.text = self.text[: page.offset] + page.text
            self.offset = page.next_offset
            if page.is_last:
                return


def test_outputs_stand_in_order_with_streams_and_results_told_apart() -> None:
    text = transcript_of(
        stream("a\n"),
        stream("careful", "stderr"),
        stream("b\n"),
        result({"text/plain": "2"}, 3),
        display({"text/plain": "one\ntwo"}),
        result({"text/plain": "x\ny"}, 4),
    )
    assert text == "a\n[stderr]\ncareful\n[stdout]\nb\nOut[3]: 2\none\ntwo\nOut[4]:\nx\ny"


@given(st.lists(APPENDING, max_size=12), st.integers(1, 50))
def test_page_by_page_gives_the_same_as_all_at_once(messages: list[Message], limit: int) -> None:
    buffer = buffer_of(*messages)
    reader = Reader(buffer, limit)
    reader.read_on()
    assert reader.text == buffer.page(0, 10**9).text


@given(st.lists(APPENDING, max_size=12), st.integers(1, 50), st.data())
def test_growing_output_is_read_exactly_once(
    messages: list[Message], limit: int, data: st.DataObject
) -> None:
    buffer = OutputBuffer()
    read, offset = "", 0
    for message in messages:
        buffer.add(message)
        for _ in range(data.draw(st.integers(0, 3))):
            page = buffer.page(offset, limit)
            assert not page.replaced
            read, offset = read + page.text, page.next_offset
    whole = buffer.page(0, 10**9).text
    assert read + buffer.page(offset, 10**9).text == whole


@given(st.lists(REPLACING, max_size=15), st.integers(1, 50), st.data())
def test_a_reader_who_follows_replacements_ends_with_what_is_shown(
    messages: list[Message], limit: int, data: st.DataObject
) -> None:
    buffer = OutputBuffer()
    reader = Reader(buffer, limit)
    for message in messages:
        buffer.add(message)
        if data.draw(st.booleans()):
            reader.read_on()
    reader.read_on()
    assert reader.text == buffer.page(0, 10**9).text


def test_a_progress_bar_that_was_read_is_read_again_from_its_row() -> None:
    buffer = buffer_of(stream("start\n 10%|#"))
    first = buffer.page(0, 1000)
    buffer.add(stream("\r 50%|#####"))
    second = buffer.page(first.next_offset, 1000)
    assert (second.replaced, second.offset, second.text) == (True, len("start\n"), " 50%|#####")


def test_cleared_output_is_read_from_the_start() -> None:
    buffer = buffer_of(stream("long enough to be past what follows"))
    first = buffer.page(0, 1000)
    buffer.add(clear())
    buffer.add(stream("new"))
    second = buffer.page(first.next_offset, 1000)
    assert (second.replaced, second.offset, second.text) == (True, 0, "new")


def test_an_updated_display_is_read_again_and_what_precedes_it_is_not() -> None:
    buffer = buffer_of(stream("before\n"), display({"text/plain": "v1"}, "d"), stream("after\n"))
    first = buffer.page(0, 1000)
    buffer.add(update({"text/plain": "version 2"}, "d"))
    second = buffer.page(first.next_offset, 1000)
    assert (second.replaced, second.text) == (True, "version 2\nafter\n")


def test_an_offset_past_the_end_gives_the_end() -> None:
    page = buffer_of(stream("abc")).page(10**12, 100)
    assert (page.text, page.offset, page.next_offset, page.replaced) == ("", 3, 3, False)


def test_offsets_stay_valid_when_the_middle_is_let_go() -> None:
    buffer = OutputBuffer(OutputLimits(head_bytes=200_000, tail_bytes=300_000))
    lines = [f"line {number}\n" for number in range(100_000)]
    buffer.add(stream("".join(lines[:1000])))
    first = buffer.page(0, 10**9)
    for start in range(1000, 100_000, 1000):
        buffer.add(stream("".join(lines[start : start + 1000])))
    whole = "".join(lines)
    page = buffer.page(first.next_offset, 5_000_000)
    assert page.is_last
    assert page.total == len(whole)
    before, _, rest = page.text.partition("\n[… ")
    mark, _, after = rest.partition(" …]\n")
    assert mark == f"{page.missing:,} characters are not held any more"
    assert whole[first.next_offset :].startswith(before)
    assert whole.endswith(after)
    assert len(before) + page.missing + len(after) == len(whole) - first.next_offset
    assert buffer.page(page.total - 13, 100).text == whole[-13:]


def test_many_outputs_become_one_mark_and_positions_stay() -> None:
    buffer = OutputBuffer(OutputLimits(outputs=40))
    parts = [f"value {number}" for number in range(1000)]
    for part in parts:
        buffer.add(display({"text/plain": part}))
        buffer.add(stream("warn", "stderr"))
    whole = "\n".join(
        f"{part}\n[stderr]\nwarn" if part is parts[0] else f"{part}\nwarn" for part in parts
    )
    page = buffer.page(0, 10**9)
    assert page.total == len(whole)
    assert page.missing > 0
    assert page.text.startswith(whole[:50])
    assert page.text.endswith(whole[-50:])
    assert buffer.page(page.total - 50, 50).text == whole[-50:]
    assert len(buffer.snapshot()) <= 40


def test_an_excerpt_keeps_head_and_tail_and_says_what_is_left_out() -> None:
    lines = [f"line {number}\n" for number in range(10_000)]
    buffer = buffer_of(stream("".join(lines)))
    excerpt = buffer.excerpt(1000)
    assert len(excerpt.head) + len(excerpt.tail) <= 1000
    assert excerpt.head.startswith("line 0\n")
    assert excerpt.tail.endswith("line 9999\n")
    whole = "".join(lines)
    middle = whole[len(excerpt.head) : len(whole) - len(excerpt.tail)]
    assert (excerpt.left_out_chars, excerpt.left_out_lines) == (len(middle), middle.count("\n"))
    assert buffer.page(excerpt.resume_offset, 20).text == middle[:20]


def test_the_images_of_a_page_are_those_whose_line_ends_in_it() -> None:
    image = png(3, 2)
    buffer = buffer_of(stream("a\n"), display({"image/png": image}), stream("b\n"))
    assert buffer.page(0, 1000).text.split("\n")[1].startswith("[image 1: 3×2 png, ")
    assert [each.number for each in buffer.page(0, 1000).images] == [1]
    assert buffer.page(0, 2).images == ()
    found = buffer.page(2, 1000).images[0]
    assert (found.mime, found.data, found.offset) == ("image/png", image, 2)
