"""What changed between two versions of a text: every word of both is accounted for, in bounded work and length."""

from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.digests.compose.differences import COMPARED, difference
from aggregator.core.digests.display import clean
from aggregator.core.model.digests import Side

words = st.lists(st.sampled_from(["412", "214", "kg", "of", "seized", "navy,", "port.", "नशा", "甲基"]), max_size=40)


def version(runs: tuple[tuple[str, Side], ...], without: Side) -> str:
    """One version as the runs tell it, white space left out."""
    return "".join("".join(text for text, side in runs if side is not without).split())


def test_a_changed_word_is_told_with_what_stands_around_it() -> None:
    told = difference("Navy seizes 412 kg off Gujarat", "Navy seizes 214 kg off Gujarat")
    assert told.runs == (
        ("Navy seizes", Side.BOTH),
        (" 412", Side.BEFORE),
        (" 214", Side.AFTER),
        (" kg off Gujarat", Side.BOTH),
    )


def test_equal_words_far_from_a_change_are_left_out_with_an_ellipsis() -> None:
    told = difference(" ".join(f"w{n}" for n in range(50)), " ".join(f"w{n}" if n != 25 else "new" for n in range(50)))
    assert "".join(text for text, _ in told.runs) == "… w19 w20 w21 w22 w23 w24 w25 new w26 w27 w28 w29 w30 w31 …"


def test_scripts_without_spaces_differ_by_the_letter() -> None:
    told = difference("甲基苯丙胺412公斤被查获", "甲基苯丙胺214公斤被查获")
    assert [text for text, side in told.runs if side is not Side.BOTH] == ["412", "214"]


def test_white_space_and_invisible_characters_are_no_difference() -> None:
    assert difference("a  b\u200b\nc", " a b c ").runs == ()


def test_a_text_that_was_written_anew_is_told_by_its_beginnings() -> None:
    told = difference("old " * 5000, "new " * 5000)
    assert told.more
    assert {side for _, side in told.runs} == {Side.BEFORE, Side.AFTER}
    assert sum(len(text.split()) for text, _ in told.runs) < 70


@given(before=words, after=words)
def test_small_differences_lose_no_word_of_either_version(before: list[str], after: list[str]) -> None:
    old, new = " ".join(before), " ".join(after)
    told = difference(old, new, words=10_000, context=10_000)
    assert not told.more
    if old == new:
        assert told.runs == ()
    else:
        assert version(told.runs, Side.AFTER) == "".join(before)
        assert version(told.runs, Side.BEFORE) == "".join(after)


@given(before=st.text(max_size=400), after=st.text(max_size=400))
def test_any_text_is_told_in_runs_that_are_clean_and_never_empty(before: str, after: str) -> None:
    told = difference(before, after)
    assert all(text and clean(text) == text for text, _ in told.runs)
    assert (not told.runs) == (clean(before).split() == clean(after).split())


@given(
    before=st.lists(st.sampled_from("ab"), max_size=3 * COMPARED),
    after=st.lists(st.sampled_from("ab"), max_size=3 * COMPARED),
)
def test_what_is_told_stays_short_however_much_changed(before: list[str], after: list[str]) -> None:
    told = difference(" ".join(before), " ".join(after))
    assert sum(len(text.split()) for text, _ in told.runs) <= 60 + 4 * 6 + 12
