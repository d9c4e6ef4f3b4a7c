"""Street addresses and postcodes in free text, and what is none."""

import pytest

from shared.redaction.addresses import find_addresses
from tests.timings import growth

ADDRESSES = {
    "American": "4120 Juniper Hollow Road, Apt 7B, Fairview, OR 97024",
    "American, over lines": "88 Larkspur Lane\nSuite 300\nBoise, ID 83702",
    "box": "P.O. Box 7741, Tucson, AZ 85701",
    "military": "PSC 4102, Box 77\nAPO AE 09021",
    "British": "221 Harbour Street, Leeds LS1 4AP",
    "German": "Lindenstraße 14a, 10969 Berlin",
    "Austrian": "Mariahilfer Gasse 12",
    "French": "27 rue des Lilas, 69003 Lyon",
    "Spanish": "Calle de Alcalá 45, 28014 Madrid",
    "Italian": "Via Garibaldi 9, 20121 Milano",
    "Swedish": "Storgatan 22, Uppsala",
    "a kind of street that only its place tells": "4120 Juniper Wexley, Fairview, OR 97024, USA",
    "state in words": "77 Orla Wexley, North Juniper, New Jersey 08512",
    "suffix and unit": "1053 Juniper Junction #129",
    "British, by its code": "95 Larkspur Wexley, East Harbour, LS1 4AP",
    "Australian": "Unit 10/353 Larkspur Wexley\nPort Juniper NSW 2621\nAustralia",
    "German, hyphens": "Anna-Lindner-Weg 14a, 10969 Berlin",
    "French, bis": "64 bis boulevard Lindner",
    "Spanish, floor": "Callejón de Larra, 74, 9º B, 28014 Madrid",
    "Italian, province": "Borgo Lindner, 145/A, 20121 Milano (MI)",
    "Polish": "Lipowa 181/31, 53-023 Wrocław",
    "Dutch": "Lindnerlaan 227-II, 1162 VA Delft, The Netherlands",
    "Danish, floor": "Lindnersvej 127, 4. tv, 7401 Nyrup",
    "Finnish, stairs": "Lindnerintie 145 A 32, 41898 Turku",
    "Portuguese, over lines": "Rua da Sé, 11, 5º Dto.\n9457-303 Braga",
    "Brazilian": "Rua Lindner, 72\nPorto Belo - MG, 33876-791",
    "Hungarian": "H-5007 Szeged\nLindner utca 6",
    "Romanian, without a number": "Bulevardul Lindner",
    "French, without a number": "chemin de Lindner",
    "Romanian, number told": "Strada Lindner Nr. 31",
    "Italian, without a kind that others have": "Stretto Lindner, 31",
    "Norwegian": "Lindnersfaret 9B",
    "a suffix that a family's name tells": "2749 Simmons Islands",
    "Polish, door": "ul. Lindnera 25/45",
    "box behind a street": "27 rue Lindner\n PO Box 739\n Port Juniper",
    "Dutch, over lines": "Lindnersingel 4\n2185 KK\nHaren",
    "Hungarian, street first": "Lindner utca 161.\nH-7486 Szeged",
    "numbered street": "1027 East 14th Street",
    "Portuguese, alone": "Rua das Lindas 105",
    "Indian": "132 Lindner Marg",
    "Japanese": "118 Lindner-dori",
    "Russian": "Lindner prospekt 157",
    "number, name, number": "5120 Mirabelle 44 Apt. 12",
}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
@pytest.mark.parametrize(
    "frame", ["Please send it to {} soon.", "{}", "Address: {}\n\nThanks", "i live at {} now"]
)
def test_an_address_is_found_whole(address: str, frame: str) -> None:
    text = frame.format(address)
    found = list(find_addresses(text))
    start, end = text.index(address), text.index(address) + len(address)

    assert any(one.start <= start and one.end >= end for one in found), [text[o.start : o.end] for o in found]
    assert max(one.end for one in found) <= end + 1


@pytest.mark.parametrize(
    ("text", "postcode"),
    [
        ("my zip code is 97024", "97024"),
        ("Postcode: SW1A 2AA", "SW1A 2AA"),
        ("it goes to Boise, ID 83702-1234", "ID 83702-1234"),
        ("PLZ 10969", "10969"),
        ("code postal: 69003", "69003"),
        ("to Toronto M5V 2T6 please", "M5V 2T6"),
        ("aus D-10969 bitte", "D-10969"),
    ],
)
def test_a_postcode_is_found(text: str, postcode: str) -> None:
    assert postcode in [text[one.start : one.end] for one in find_addresses(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Flight HAT136 on May 15 2024 has 12 seats.",
        "The order 1042 has 3 items at 19.99 USD.",
        "Reservation 4OG6T3 leaves 2024-05-15T10:00:00 from SFO to JFK.",
        "Step 2 of 5: open Suite 2 of the tests",
        "It took 200 ms, HTTP 503 Service Unavailable, retry 3",
        "2 Adults and 1 Child in Row 12",
        "Boeing 737 and Airbus 320",
        "version 2 of Model 4 was on port 8080",
        "I need 5 Blue Shirts and 10 Red Hats",
        "The total is 1200 Euro for 2 Nights",
        "<ADDRESS_1> and <POSTCODE_2>",
        "GPT 4 answered in 12 Seconds",
        "On May 15, 2024 Delta had 3 Flights, Section 5, 2019 Edition",
        "Row 12, 4500 Units",
        "Chapter 3, 12045 Words",
        "You have 5000 Bonus Points and 250 Reward Keys",
        "On 3 March 2025 the Drive was full.",
        "the office at Terminal 2, the 5th Row of 14",
        "1 Forward Pass and 5 Random Walk, 2 Entry Point",
        "404 Rails Route, 60 Watt Light, 300 Kelvin Lights",
        "12 1st Place trophies, Row 5, 2nd Place",
        "20 Wang Lu papers, R. da Cunha 2015, Supported os. Windows 10",
        "Acceso Denegado 403, Vial Batch 12, Ronda Final 3",
        "Sebastien 2024, Palmyra 2015",
        "Session ID 12345 and Process ID 10023",
        "Street: must be non-empty 12\nStreet: 3 validation errors",
        "routed via Kafka 3 and via Node 20",
        "300 Page Views and 2024 Simmons Summit",
        "Copyright (c) 2003-2005, Jean-Sebastien (js)",
        "we rue the day, and the strada was closed",
        "Street: none\nstreet: unknown",
    ],
)
def test_what_is_no_address_stays(text: str) -> None:
    assert list(find_addresses(text)) == []


@pytest.mark.parametrize(
    "piece",
    [
        "1 Aa ",
        "12 ",
        "A St ",
        "Apt 1 ",
        "rue de ",
        "corner of ",
        "1\n",
        "Aa, ",
        "lives at 1 A ",
        "1 Aa, Aa ",
        "Aa 1, ",
    ],
)
def test_time_grows_with_the_text(piece: str) -> None:
    assert growth(lambda size: list(find_addresses(piece * size)), 1_000, 10_000) < 30
