"""What is told of a phone number in a moment is what the library says of it."""

import random
from collections.abc import Iterator

import phonenumbers

from shared.redaction.phone_plans import is_international, is_national, is_valid

_TYPES = ("fixed_line", "mobile", "toll_free", "premium_rate", "voip", "uan", "pager", "personal_number")


def _examples(code: int) -> Iterator[str]:
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]:
        plan = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
        described = (getattr(plan, kind) for kind in _TYPES)
        yield from (one.example_number for one in described if one and one.example_number)


def _varied(number: str, seed: random.Random) -> Iterator[str]:
    """Spell a number as it is, too short, with a digit that is another, and behind prefixes."""
    yield from (number, number[:-1], *(prefix + number for prefix in ("0", "1", "8", "9", "80", "15")))
    at = seed.randrange(len(number))
    yield number[:at] + seed.choice("0123456789") + number[at + 1 :]


def test_of_every_country_a_number_is_valid_where_the_library_says_so() -> None:
    seed = random.Random(3)
    spelled = [
        f"+{code} ({told[:2]}) {told[2:]}"
        for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE
        for number in dict.fromkeys(_examples(code))
        for told in _varied(number, seed)
    ]
    valid = [is_valid(one, None) for one in spelled]
    assert [is_international(one) for one in spelled] == valid
    assert len(spelled) > 5000
    assert 1000 < sum(valid) < len(spelled) - 1000


def test_a_code_of_no_country_begins_no_number() -> None:
    assert not is_international("+999 1234 5678")


def test_a_number_as_it_is_dialled_at_home_is_valid_where_the_library_says_so() -> None:
    seed = random.Random(5)
    dialled = list[tuple[str, str]]()
    for region in ("GB", "DE", "ES", "IT", "AU", "BR", "JP", "ZA"):
        code = phonenumbers.country_code_for_region(region)
        for number in _examples(code):
            dialled += [(f"0{told}", region) for told in _varied(number, seed)]
            # What dials abroad from Japan begins with one zero.
            dialled += [(f"010 {told}", region) for told in _varied(f"{code}{number}", seed)]
    valid = [is_valid(*one) for one in dialled]
    assert [is_national(number, [region]) for number, region in dialled] == valid
    assert 100 < sum(valid) < len(valid) - 100
