"""Windows: any range is cut without a gap, at the same moments as any other."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from functions.backfill.windows import Window, count, cut
from tests.properties import examples

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
zones = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))
moments = st.builds(
    lambda after, zone: (EPOCH + after).astimezone(zone),
    st.timedeltas(timedelta(days=-3650), timedelta(days=73_000)),
    zones,
)
lengths = st.integers(1, 60 * 24 * 40).map(lambda minutes: timedelta(minutes=minutes))
spans = st.timedeltas(timedelta(), timedelta(days=90))


@examples(300)
@given(since=moments, span=spans, length=lengths)
def test_any_range_is_cut_into_aligned_windows_that_meet(
    since: datetime, span: timedelta, length: timedelta
) -> None:
    length = max(length, span / 500)
    length -= timedelta(microseconds=length.microseconds) - timedelta(seconds=1)
    until = since + span
    windows = list(cut(since, until, length))

    assert len(windows) == count(since, until, length)
    assert all(one.since < one.until <= one.since + length for one in windows)
    assert sum((one.until - one.since for one in windows), timedelta()) == span
    # The newest first, and each begins where the next one ends.
    assert [one.since for one in windows[:-1]] == [one.until for one in windows[1:]]
    assert not windows or (windows[-1].since, windows[0].until) == (since, until)
    edges = [one.since for one in windows[:-1]]
    assert all((edge - EPOCH) % length == timedelta() for edge in edges)


@examples(200)
@given(since=moments, first=spans, gap=spans, second=spans, length=lengths)
def test_ranges_that_overlap_share_all_windows_that_lie_whole_in_both(
    since: datetime, first: timedelta, gap: timedelta, second: timedelta, length: timedelta
) -> None:
    length = max(length, timedelta(hours=6))
    other = since + min(gap, first)
    one, two = set(cut(since, since + first, length)), set(cut(other, other + second, length))
    both = Window(other, min(since + first, other + second))

    whole = {window for window in one if _is_whole(window, length) and _lies_in(window, both)}

    assert whole <= two


def _is_whole(window: Window, length: timedelta) -> bool:
    return window.until - window.since == length


def _lies_in(window: Window, outer: Window) -> bool:
    return outer.since <= window.since and window.until <= outer.until


def test_an_empty_range_has_no_window() -> None:
    assert list(cut(EPOCH, EPOCH, timedelta(hours=6))) == []
    assert count(EPOCH, EPOCH, timedelta(hours=6)) == 0
