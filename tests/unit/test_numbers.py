"""Numbers that name a person or an account, among the many that do not."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.redaction.kinds import Kind
from shared.redaction.numbers import find_bare_numbers, find_numbers
from tests.properties import examples
from tests.timings import growth


def _found(text: str) -> set[tuple[str, str]]:
    return {(text[found.start : found.end], found.kind.value) for found in find_numbers(text)}


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("card number 630427373398 is lost", "630427373398", "CARD"),
        ("My card 4131034282458809939 is expiring", "4131034282458809939", "CARD"),
        ("it is 4131 0342 8245 8809 939 today", "4131 0342 8245 8809 939", "CARD"),
        ("paid by 213176828496175", "213176828496175", "CARD"),
        ("4111.1111.1111.1111.", "4111.1111.1111.1111", "CARD"),
        ("charge 4131034282458809939 for the room", "4131034282458809939", "CARD"),
        ("we paid with 6304-2737-3398, no trouble", "6304-2737-3398", "CARD"),
        ("my social is 078051120", "078051120", "SSN"),
        ("dob and social are 01/02/1990 and 123-45-6789", "01/02/1990", "BIRTH"),
        ("date of birth on my license is 02/03/1990", "02/03/1990", "BIRTH"),
        ("Passport and social: X1234567 and none", "X1234567", "PASSPORT"),
        ("the license A365558793126 was scanned", "A365558793126", "LICENCE"),
        ("my SSN: 849-66-3189", "849-66-3189", "SSN"),
        ("it is 078-05-1120, thanks", "078-05-1120", "SSN"),
        ("it is 078 05 1120", "078 05 1120", "SSN"),
        ("social security number 078051120", "078051120", "SSN"),
        ("pay DE89 3704 0044 0532 0130 00 please", "DE89 3704 0044 0532 0130 00", "IBAN"),
        ("gb82-west-1234-5698-7654-32 is it", "gb82-west-1234-5698-7654-32", "IBAN"),
        ("IBAN GB00 WEST 1234 5698 7654 32", "GB00 WEST 1234 5698 7654 32", "IBAN"),
        ("mi DNI es 12345678Z", "12345678Z", "NATIONALID"),
        ("soy X1234567L", "X1234567L", "NATIONALID"),
        ("RSSMRA85T10A562S", "RSSMRA85T10A562S", "NATIONALID"),
        ("the cpf 529.982.247-25", "529.982.247-25", "NATIONALID"),
        ("AVS 756.9217.0769.85", "756.9217.0769.85", "NATIONALID"),
        ("NHS number: 943 476 5919", "943 476 5919", "NATIONALID"),
        ("Meine Steuer-ID lautet 36574261809", "36574261809", "NATIONALID"),
        ("national insurance number AB123456C", "AB123456C", "NATIONALID"),
        ("she wrote AB 12 34 56 C", "AB 12 34 56 C", "NATIONALID"),
        ("My passport number is X1234567.", "X1234567", "PASSPORT"),
        ("Reisepass-Nr. C01X00T47", "C01X00T47", "PASSPORT"),
        ("passeport n° 12AB34567", "12AB34567", "PASSPORT"),
        ("my driver's license number is 2270-66-1551", "2270-66-1551", "LICENCE"),
        ("I renewed my licence in Lyon; the new number is W1316-2647-0183", "W1316-2647-0183", "LICENCE"),
        ("driving licence MORGA 657054 SM9IJ", "MORGA 657054 SM9IJ", "LICENCE"),
        ("Führerschein: B072RRE2I55", "B072RRE2I55", "LICENCE"),
        ("DL# D1234567", "D1234567", "LICENCE"),
        ("I was born on 4 May 1990", "4 May 1990", "BIRTH"),
        ("born May 4th, 1990", "May 4th, 1990", "BIRTH"),
        ("DOB: 03/10/1990", "03/10/1990", "BIRTH"),
        ("her date of birth is 1990-10-03", "1990-10-03", "BIRTH"),
        ("geboren am 3. Oktober 1990", "3. Oktober 1990", "BIRTH"),
        ("née le 14 juillet 1989", "14 juillet 1989", "BIRTH"),
        ("nacido el 5 de mayo de 1980", "5 de mayo de 1980", "BIRTH"),
    ],
)
def test_it_is_found_whole(text: str, value: str, kind: str) -> None:
    assert (value, kind) in _found(text)


INNOCENT = [
    "total $1,299.00, tax 12.50 and 1 299,00 EUR",
    "order 1234-5678-9012 and order 1018773",
    "order number 630427373398",
    "job 4131034282458809939 is done",
    '{"span": 4131034282458809939, "text": "a b"}',
    "license 2.0 and licence 12 seats",
    "my license key number is 2024-01-15, the license plate number is 1234-5678",
    "Apache License, version number is 2004-01",
    "Apache License, Version 2.0, January 2004",
    "flight HAT123 leaves on 2024-05-15 at 16:00",
    "reservation ZFA04Y, seat 12A",
    "2026-11-18T16:00:00.123Z",
    "2026-11-18 16:00:00 until 2026-11-19 17:30:00",
    "3f2a9c1e-ab12-4cde-beef-1234567890ab",
    "6903738200000000af2d3775dfc70530",
    "a4111111111111111",
    "release 10.4.2, build 1.2.3.4.5",
    "rows 100-200 of 12345678",
    "sizes 10x20x30 and 1920x1080",
    "at 1760000000000 ms",
    "at 1761833858897000000 ns",
    "tracking 1Z999AA10123456784",
    "tracking 9400 1000 0000 0000 0000 00",
    '{"id": "4a_7839_2", "ok": true, "total": 1299.99}',
    '{"id": 839201733, "at": 1760000000.123, "score": 0.4829130021}',
    "the years 2019-2020 2021-2022 2023-2024",
    "0.4111111111111111",
    "9999 9999 9999 9999",
    "1234 5678 9012 3456",
    "passport expires 2027-05-01",
    "a passport for flight HAT123 costs $1300000",
    "is your driver's license valid until 2028-01-31?",
    "Bring a passport. Order 12345678 is ready",
    "he was born in Paris; the flight is on 2024-05-15",
    "invoice 2024-0001-334455",
    "ISBN 978-3-16-148410-0",
    "SKU-20731-4471",
    "W2378156 and #1018773",
    "<CARD_1> 501864667909",
    "<PASSPORT_1> X1234567",
    "IBAN <IBAN_1> and SSN <SSN_1>",
    "999-12-31, 12-31-1999",
    "GB82 WEST 1234 5698 7654 33 has a wrong check",
    "12345678A is a part number",
    "gpt-4.1-mini-2025-04-14",
    "RFC 2616 and RFC 7231",
    "call_4a7839b2c1d0e9f8",
    "zip 94107-1234",
    "temperature 36.6, pressure 1013.25",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_such_number_stays(text: str) -> None:
    assert _found(text) == set()


_around = st.sampled_from(
    [
        ("", ""),
        ("use ", ", thanks"),
        ("(", ")"),
        ("it is ", "."),
        ("first 12 items; ", "\n7 left"),
        ('"', '"'),
    ]
)


def _with_check_digit(digits: str) -> str:
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[::-2]]
    return digits + str(-(sum(doubled) + sum(map(int, digits[-2::-2]))) % 10)


def _grouped(digits: str, sizes: tuple[int, ...], mark: str) -> str:
    ends = [sum(sizes[: at + 1]) for at in range(len(sizes))]
    return mark.join(digits[end - size : end] for size, end in zip(sizes, ends, strict=True))


_cards = st.one_of(
    st.builds(
        lambda start, rest, mark: _grouped(_with_check_digit(start + rest), (4, 4, 4, 4), mark),
        st.sampled_from(["4000", "5100", "2221", "6011", "3528"]),
        st.text("0123456789", min_size=11, max_size=11),
        st.sampled_from([" ", "-", "", "  ", "\u2013"]),
    ),
    st.builds(
        lambda rest, mark: _grouped(_with_check_digit("37" + rest), (4, 6, 5), mark),
        st.text("0123456789", min_size=12, max_size=12),
        st.sampled_from([" ", "-", ""]),
    ),
)


@examples(300)
@given(_cards, _around)
def test_a_card_of_any_grouping_is_found_whole(card: str, around: tuple[str, str]) -> None:
    assert (card, "CARD") in _found(card.join(around))


def _iban(country: str, account: str) -> str:
    spelled = account + country + "00"
    check = 98 - int("".join(str(int(character, 36)) for character in spelled)) % 97
    return f"{country}{check:02}{account}"


_ibans = st.one_of(
    [
        st.builds(_iban, st.just(country), st.text("0123456789", min_size=size - 4, max_size=size - 4))
        for country, size in (("DE", 22), ("NO", 15), ("FR", 27), ("ES", 24), ("BE", 16), ("PL", 28))
    ]
    + [
        st.builds(
            lambda bank, account: _iban("GB", bank + account),
            st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=4, max_size=4),
            st.text("0123456789", min_size=14, max_size=14),
        )
    ]
)


@examples(300)
@given(_ibans, st.sampled_from(["", " ", "-"]), st.booleans(), _around)
def test_any_iban_is_found_whole(iban: str, mark: str, small: bool, around: tuple[str, str]) -> None:
    spelled = mark.join(iban[at : at + 4] for at in range(0, len(iban), 4))
    spelled = spelled.lower() if small else spelled

    assert (spelled, "IBAN") in _found(spelled.join(around))


@examples(200)
@given(st.text("0123456789 -./AB:<>_", max_size=80))
def test_every_finding_lies_in_the_text(text: str) -> None:
    for found in find_numbers(text):
        assert 0 <= found.start < found.end <= len(text)
        assert found.kind in Kind


HOSTILE: dict[str, Callable[[int], str]] = {
    unit: lambda size, unit=unit: unit * (size // len(unit))  # type: ignore[misc]
    for unit in (
        "1",
        "1 ",
        "1-",
        "1.",
        "4111 ",
        "12-",
        "GB82",
        "A1 ",
        "passport ",
        "born 1 ",
        "ssn 1",
        "a1",
        "DL# 1-",
    )
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_no_text_takes_more_than_linear_time(hostile: Callable[[int], str]) -> None:
    assert growth(lambda size: list(find_numbers(hostile(size))), 25_000, 200_000) < 27


def test_cards_that_are_spelled_digit_by_digit_on_lines_are_all_found() -> None:
    card = "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"
    text = f"cards:\n{card}\n{card}\n{card}\n"
    assert {one for one in find_numbers(text) if one.kind is Kind.CARD}
    assert not any(
        map(
            str.isdigit,
            "".join(
                character
                for at, character in enumerate(text)
                if not any(one.start <= at < one.end for one in find_numbers(text))
            ),
        )
    )


@pytest.mark.parametrize(
    "digits",
    # Cards of several lengths; an identity number, one whose digits do not check, one that begins with 0.
    [
        *("4111111111111111", "378282246310005", "4222222222222", "4111111111111112"),
        *("110105194901010005", "110105194901010006", "010105194901010005"),
    ],
)
def test_digits_that_stand_alone_are_what_they_are_in_any_text(digits: str) -> None:
    assert list(find_bare_numbers(digits)) == list(find_numbers(digits))


def test_an_identity_number_stands_alone() -> None:
    assert [found.rule for found in find_bare_numbers("110105194901010005")] == ["cn.ric"]
