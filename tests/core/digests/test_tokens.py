"""A token passes for what it was made for, and for nothing else: no other purpose, person, number, day or installation."""

from datetime import timedelta
from string import ascii_letters, digits

from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.digests.tokens import Claim, Keyring, Purpose, view_until
from tests.factories import NOW

TODAY = NOW.date()
RING = Keyring((b"the installation's secret",))

people = st.text(alphabet=ascii_letters + digits + "_-", min_size=1, max_size=32)
numbers = st.integers(min_value=0, max_value=10**18 - 1)
purposes = st.sampled_from(Purpose)


@given(purpose=purposes, who=people, number=numbers)
def test_a_token_says_what_it_was_made_of(purpose: Purpose, who: str, number: int) -> None:
    token = RING.sign(purpose, who, number)
    assert RING.read(purpose, token, today=TODAY) == Claim(who, number)
    assert set(token) <= set(ascii_letters + digits + "_-.")


@given(made=purposes, asked=purposes, who=people, number=numbers)
def test_no_token_of_one_purpose_passes_for_another(made: Purpose, asked: Purpose, who: str, number: int) -> None:
    found = RING.read(asked, RING.sign(made, who, number), today=TODAY)
    assert (found is not None) == (made is asked)


@given(text=st.one_of(st.text(max_size=80), st.from_regex(r"v1\.[\w-]{16}\.[0-9]{1,4}\.[\w-]{22}")), purpose=purposes)
def test_what_we_did_not_sign_is_nothing(text: str, purpose: Purpose) -> None:
    assert RING.read(purpose, text, today=TODAY) is None
    assert RING.read_return(text) is None


@given(st.data())
def test_a_token_changed_in_any_place_is_nothing(data: st.DataObject) -> None:
    token = RING.sign(Purpose.UNSUBSCRIBE, "AbC_d-3", 7)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda char: char != token[at]))
    changed = token[:at] + other + token[at + 1 :]
    # The last of 22 letters carries four bits that a mac of 128 bits does not have, and they are compared as well.
    assert RING.read(Purpose.UNSUBSCRIBE, changed, today=TODAY) is None


def test_a_link_to_a_digest_ends_after_ninety_days_and_its_end_cannot_be_moved() -> None:
    token = RING.sign(Purpose.VIEW, "who", 3, until=view_until(TODAY))
    assert RING.read(Purpose.VIEW, token, today=TODAY + timedelta(days=90)) == Claim("who", 3, view_until(TODAY))
    assert RING.read(Purpose.VIEW, token, today=TODAY + timedelta(days=91)) is None
    version, who, number, _, mac = token.split(".")
    assert RING.read(Purpose.VIEW, f"{version}.{who}.{number}.{mac}", today=TODAY) is None
    assert RING.read(Purpose.VIEW, f"{version}.{who}.{number}.999999.{mac}", today=TODAY) is None


def test_a_new_secret_signs_and_the_old_one_still_verifies_until_it_is_dropped() -> None:
    old, new = Keyring((b"old",)), Keyring((b"new", b"old"))
    token = old.sign(Purpose.UNSUBSCRIBE, "who", 1)
    assert new.read(Purpose.UNSUBSCRIBE, token, today=TODAY) == Claim("who", 1)
    assert new.read_return(old.return_token(9)) == 9
    assert old.read(Purpose.UNSUBSCRIBE, new.sign(Purpose.UNSUBSCRIBE, "who", 1), today=TODAY) is None
    assert Keyring((b"new",)).read(Purpose.UNSUBSCRIBE, token, today=TODAY) is None


@given(numbers)
def test_a_return_path_survives_a_relay_that_changes_its_case_and_fits_a_local_part(number: int) -> None:
    token = RING.return_token(number)
    assert RING.read_return(token.upper()) == number
    assert len(f"bounces+{token}") <= 64
