"""Ways to reach a person: e-mail addresses, phone numbers, user names, and what only looks like one."""

from collections.abc import Callable

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.redaction.contacts import find_contacts
from tests.properties import examples
from tests.timings import growth


def _found(text: str) -> set[tuple[str, str]]:
    return {(text[found.start : found.end], found.kind.value) for found in find_contacts(text)}


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("mailto:jane@example.com?subject=x", "jane@example.com", "EMAIL"),
        ("email=jane.doe+shop@mail.example.co.uk.", "jane.doe+shop@mail.example.co.uk", "EMAIL"),
        ("'jane@example.com'", "jane@example.com", "EMAIL"),
        ("jürgen@müller.de", "jürgen@müller.de", "EMAIL"),
        ('write to "jane doe"@example.com', '"jane doe"@example.com', "EMAIL"),
        ("jane (at) example (dot) com", "jane (at) example (dot) com", "EMAIL"),
        ("jane[at]example.com", "jane[at]example.com", "EMAIL"),
        ("my email is jane at example dot com", "jane at example dot com", "EMAIL"),
        ("207-555-0134", "207-555-0134", "PHONE"),
        ("(207) 555-0134 ext. 12", "(207) 555-0134 ext. 12", "PHONE"),
        ("207-555-0134 x123", "207-555-0134 x123", "PHONE"),
        ("+49 30 901820", "+49 30 901820", "PHONE"),
        ("0044 20 7946 0958", "0044 20 7946 0958", "PHONE"),
        ("06 12 34 56 78", "06 12 34 56 78", "PHONE"),
        ("020 7946 0958", "020 7946 0958", "PHONE"),
        ("Handy: 0171 2345678", "0171 2345678", "PHONE"),
        ("Tel.: 030/901820-12", "030/901820-12", "PHONE"),
        ("llámame al 612 345 678", "612 345 678", "PHONE"),
        ("call me on 9472 7916?", "9472 7916", "PHONE"),
        ("Phone:\n60-56-85-91\n", "60-56-85-91", "PHONE"),
        ("Phone: (99) 645-791", "(99) 645-791", "PHONE"),
        ("text 207-555-0134x98278 when done", "207-555-0134x98278", "PHONE"),
        ("reach me on (06)55/600-5365", "(06)55/600-5365", "PHONE"),
        ("please ring my brother on 0471005767, quick", "0471005767", "PHONE"),
        ("ring (351) 259168818 please", "(351) 259168818", "PHONE"),
        ("Emergency contact: Ann (her sister), 0055947450", "0055947450", "PHONE"),
        ("phone number 2075550134", "2075550134", "PHONE"),
        ("it is declined, call 0561635110 tonight", "0561635110", "PHONE"),
        ("who keeps calling me from 0420365863?", "0420365863", "PHONE"),
        ("our help desk (0562330780) is open", "0562330780", "PHONE"),
        ("the courier should dial 919 367 613 at the gate", "919 367 613", "PHONE"),
        ("you can get hold of her under 28 96 80 61", "28 96 80 61", "PHONE"),
        ("Bookings: (351) 919 367 613.", "(351) 919 367 613", "PHONE"),
        ("reach us at (+44) 20 7946 0958.", "(+44) 20 7946 0958", "PHONE"),
        ("T: 207.555.0134 | M: 4423158516", "4423158516", "PHONE"),
        ("Ann Example\nF: 509 692 747\n", "509 692 747", "PHONE"),
        ("landline 6726559, switchboard 07593/78236297", "6726559", "PHONE"),
        ("If nobody picks up, try 72 628 65 55", "72 628 65 55", "PHONE"),
        ("my phone is 473.779.9374 or 14 410 9401", "14 410 9401", "PHONE"),
        ("landline 6726559, switchboard 07593/78236297", "07593/78236297", "PHONE"),
        ("pls change my contact no. to 9954684501", "9954684501", "PHONE"),
        ("call 2075550134 please", "2075550134", "PHONE"),
        ("call me: 555-0134", "555-0134", "PHONE"),
        ("my handle is @jane_doe", "@jane_doe", "HANDLE"),
        ("follow me: @jane", "@jane", "HANDLE"),
        ("username: jdoe88", "jdoe88", "HANDLE"),
        ("My user name is janedoe.", "janedoe", "HANDLE"),
        ("my user ID is jane_doe_42", "jane_doe_42", "HANDLE"),
        ("login: jane.doe1", "jane.doe1", "HANDLE"),
        ("Discord jdoe#1234", "jdoe#1234", "HANDLE"),
        ("GitHub: octo-cat9", "octo-cat9", "HANDLE"),
    ],
)
def test_it_is_found_whole(text: str, value: str, kind: str) -> None:
    assert (value, kind) in _found(text)


INNOCENT = [
    "order 1234-5678-9012",
    "order 555-0134",
    "The order number is 9472 7916",
    "order number 2075550134",
    "call get_order with 1018773",
    "call failed after 1760000000000",
    "2075550134",
    "1018773 and #1018773",
    "total $1,299.00, 1 299 000 EUR, 12.50 19.99 30.25",
    "2026-11-18 16:00:00",
    "call on 2026-11-18",
    "text from 2019-2020",
    "from 01-02-2024 to 05-02-2024",
    "18.11.2026 and 18/11/2026",
    "flight HAT123 on 2024-05-15, reservation ZFA04Y",
    "2026-11-18T16:00:00.123Z",
    "3f2a9c1e-ab12-4cde-beef-1234567890ab",
    "6903738200000000af2d3775dfc70530",
    "v1.2.3.4000 and 10.4.2",
    "rows 100-200, 1000-2000",
    "1920x1080",
    "tracking 1Z999AA10123456784",
    '{"id": "4a_7839_2", "at": 1760000000000, "x": 0.4829130021}',
    "SKU-20731-4471",
    "Call 1182736455 was dropped, function call 9182736456 as well",
    "help desk ticket 4821195301, the help desk closed 1234567 of them",
    "P: 0.9123456; F: 0.8965432, T: 1.23456789 | M: 512.0000",
    "M: 65536/131072",
    "M: 1024 2048 4096",
    "F: 0 1 0 1 1 0 1",
    "T: 20240115123456",
    "T: 2024-01-15",
    "Convert to text 1234567890, then call 9876543210 times",
    "dial tone 440 480 620",
    "contact no results 1234567",
    "tokens (48) 123 456 789",
    "P: 20251231, M: 1760000000",
    "F: 1234567 items",
    "rows (351) 200 of 1000",
    "ISBN 978-3-16-148410-0",
    "a @ b",
    "jane@localhost",
    "react@18.2.0 and uses: actions/checkout@v4",
    "@jane",
    '@app.route("/x")',
    "@property and @media (max-width: 600px)",
    "by @types/node",
    "@ml_app:shop @status:error @evaluation.goal:1",
    "contact @webhook-shop",
    "we are looking at example dot com",
    "meet me at noon, dot the i",
    "login: failed",
    "username: string, login: required",
    "the user name is required",
    "the username is invalid",
    "Log in to GitHub and open an issue",
    "<PHONE_1> 9472 7916",
    "phone <PHONE_1>, mail <EMAIL_1>, handle: <HANDLE_1>",
    "username: user_abcdefghijklmnop",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_what_reaches_nobody_stays(text: str) -> None:
    assert _found(text) == set()


_around = st.sampled_from(
    [("", ""), ("use ", ", thanks"), ("(", ")"), ("it is ", "."), ("one;\n", "\ntwo"), ('"', '"')]
)
_word = st.text("abcdefghijklmnopqrstuvwxyzäé0123456789", min_size=1, max_size=12)


@examples(300)
@given(
    _word,
    st.sampled_from(["", ".b", "+shop", "_9", "-x"]),
    _word,
    st.sampled_from(["com", "co.uk", "de"]),
    _around,
)
def test_any_email_is_found_whole(
    name: str, more: str, domain: str, top: str, around: tuple[str, str]
) -> None:
    address = f"{name}{more}@{domain}.{top}"

    assert (address, "EMAIL") in _found(address.join(around))


_FORMATS = (phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.E164)


@examples(150)
@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.sampled_from(_FORMATS), _around)
def test_international_numbers_of_every_country_are_found(
    region: str, spelling: int, around: tuple[str, str]
) -> None:
    example = phonenumbers.example_number(region)
    assert example is not None
    number = phonenumbers.format_number(example, spelling)

    assert any(number in value for value, kind in _found(number.join(around)) if kind == "PHONE")


@pytest.mark.parametrize(
    "region", ["US", "CA", "GB", "DE", "FR", "ES", "AU", "IT", "NL", "BE", "CH", "BR", "IN", "MX"]
)
@pytest.mark.parametrize(
    "cue", ["My phone is {}.", "call me on {}", "Tel. {}", "teléfono: {}", "text me at {}, ok"]
)
def test_national_numbers_are_found_beside_a_word(region: str, cue: str) -> None:
    for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
        example = phonenumbers.example_number_for_type(region, kind)
        assert example is not None
        number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)

        assert (number, "PHONE") in _found(cue.format(number))


HOSTILE: dict[str, Callable[[int], str]] = {
    unit: lambda size, unit=unit: unit * (size // len(unit))  # type: ignore[misc]
    for unit in (
        *(
            "@",
            "a@",
            "a@b.",
            "a.",
            "1",
            "1 ",
            "1-",
            "+1",
            "(1)",
            "00 1",
            "call 1",
            "phone ",
            "12 34 ",
            "a at b ",
        ),
        *("a dot ", '"a"@', "user: ", "by @a ", "login=a", "+11 "),
    )
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_no_text_takes_more_than_linear_time(hostile: Callable[[int], str]) -> None:
    assert growth(lambda size: list(find_contacts(hostile(size))), 25_000, 200_000) < 27
