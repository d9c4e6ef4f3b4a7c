"""Names of persons in free text, and what is none."""

import random

import pytest

from shared.redaction.people import find_people
from tests.timings import growth

NAMED = {
    "introduced": ("My name is Odalys Quenneville.", "Odalys Quenneville"),
    "introduced in small letters": ("hello, my name is priya raman", "priya raman"),
    "titled": ("Please ask Dr. Xuefang about it.", "Xuefang"),
    "with initials": ("It was Teodrick Q. Valbrun who called.", "Teodrick Q. Valbrun"),
    "greeted": ("Dear Zubeyde,\nyour order is late.", "Zubeyde"),
    "signed": ("Please help.\n\nBest regards,\nIngvild Thorpestad", "Ingvild Thorpestad"),
    "labelled": ("Passenger: Qiang Obradovich", "Qiang Obradovich"),
    "asked for": ("What's the name on the account? Wanjiru", "Wanjiru"),
    "by lists alone": ("We saw Jennifer Miller at the counter.", "Jennifer Miller"),
    "a given name": ("Then Jennifer left.", "Jennifer"),
    "family ending": ("The report by the auditor Halldórsdóttir was short.", "Halldórsdóttir"),
    "owner": ("It is Fernanda's birthday.", "Fernanda"),
    "German": ("Sehr geehrte Frau Krautwurst, danke.", "Krautwurst"),
    "French": ("Bonjour, je m'appelle Maëlys Quintard.", "Maëlys Quintard"),
    "Spanish": ("Hola, me llamo Iñaki Zubizarreta.", "Iñaki Zubizarreta"),
    "particles": ("Signed: Mr. Joost van der Meulen", "Joost van der Meulen"),
    "before a country's initials": ("Passenger Maria Lopez U.S. Passport 1", "Maria Lopez"),
    "before a box": ("Passenger: John Doe P.O. Box 123", "John Doe"),
    "several initials": ("Yours faithfully,\nL.S. Halldórsson", "L.S. Halldórsson"),
    "family first": ("Applicant: Miller, Jennifer\nAge: 40", "Miller, Jennifer"),
    "an ordinary word behind a title": ("Dear Mrs. White, it is finished.", "White"),
    "an ordinary word behind a given name": ("Holder: Jennifer Barbara Young", "Jennifer Barbara Young"),
    "in capitals": ("I was told by JENNIFER MILLER that it had ended.", "JENNIFER MILLER"),
    "in a query": ("WHERE surname = 'Thorpestad' AND town = 'X'", "Thorpestad"),
    "labelled as a speaker": ("Speaker: Jennifer Obrand", "Jennifer Obrand"),
    "last name told": ("I gave my last name Wanjirova and the rest", "Wanjirova"),
    "owner of what only people have": ("It is Xolani's birthday, and late.", "Xolani"),
    "born": ("Qilan Obraduvich (born 1952) was a painter.", "Qilan Obraduvich"),
    "plays": ("On stage: Qilan Obraduvich (drums) and others", "Qilan Obraduvich"),
    "a title in small letters": ("hello, mrs hübnar here. it is late", "hübnar"),
    "Japanese": ("They saw Haruka Nakamura there.", "Haruka Nakamura"),
    "Igbo": ("It was given to Chinedu Okafor first.", "Chinedu Okafor"),
    "holder": ("Please add it, the holder is Jennifer Halvorsen.", "Jennifer Halvorsen"),
    "an officer": ("It was Sheriff Quintard again.", "Quintard"),
    "according to": ("According to Halvorsen, it was never looked at.", "Halvorsen"),
    "labelled, small": ("cardholder: jennifer miller\ncvv: none", "jennifer miller"),
    "all small": ("please change jennifer miller to the aisle", "jennifer miller"),
}


@pytest.mark.parametrize(("text", "name"), NAMED.values(), ids=NAMED)
def test_a_name_is_found_whole(text: str, name: str) -> None:
    found = [text[one.start : one.end] for one in find_people(text)]

    assert name in found


@pytest.mark.parametrize(
    "text",
    [
        "I would like the Aurora Desk Lamp in Black.",
        "Flight HAT136 from San Francisco to New York leaves at 10:00.",
        "Thank you for your help. Certainly, I can do that.",
        "Basic Economy tickets cannot be changed. Gold members may cancel.",
        "Error: Reservation not found",
        "RateLimitError: Too Many Requests",
        "The Terms and Conditions apply.",
        "Hi there, Can you help me?",
        "Alright, please proceed. Meanwhile, I'll wait. Understood.",
        '{"browser": "Safari", "provider": "Okta"} Rosetta, Loki and Hermes failed',
        "Am 5. Juli 2024, Avril 2024, Basel and Kobe, Amazon Polly, Kali Linux, Wilson score",
        "please book a villa, the raid array failed, my yoga class",
        "Trace's child spans, React's children, Airbnb's house rules, Orchestrator's party",
        "the first name Column must be set, the last name Attribute too",
        "Student: Llama Tiny, Teacher: Llama Large, the owner is Platform Team",
        "latency of 200 ms exceeded, open mr against it, miss rate and dr strategy",
        "Resident Evil (released 1996), Rock Band on drums",
        "Order A-1042 was shipped on Monday, May 12.",
        "On Mac OS X the Constant goes to the Handler of the Stack. Lex and Yacc, Beta Parts and Ninja.",
        "The University of Example and the Grand Hotel are closed.",
        "<PERSON_1> wrote to <EMAIL_2>",
        "nobody said that the master branch may be a smart case",
        "Your name is required. The name was changed.",
        "U.S. Airways and the P.O. Box of the U.K. Office",
        "Nobody plays it. Call me ASAP.",
        "customer: first visit, patient: no",
        "max_tokens exceeded in get_user_details for Gemini Pro",
        "Data Protection Officer, Customer Service Center, Dallas Fort Worth Airport",
    ],
)
def test_what_is_no_name_stays(text: str) -> None:
    assert list(find_people(text)) == []


def test_a_name_told_once_is_found_where_it_stands_alone() -> None:
    text = "Mr. Teodrick Valbrun called. Later Valbrun wrote again."

    assert [text[one.start : one.end] for one in find_people(text)] == ["Teodrick Valbrun", "Valbrun"]


def test_without_the_lists_only_context_and_form_tell() -> None:
    assert not list(find_people("Then Jennifer left.", listed=False))
    assert list(find_people("My name is Jennifer.", listed=False))


@pytest.mark.parametrize(
    "piece", ["Aa ", "Mr. ", "name is ", "A. B ", "Jennifer and ", "X-", "von ", "D'", "Dear "]
)
def test_time_grows_with_the_text(piece: str) -> None:
    assert growth(lambda size: list(find_people(piece * size)), 1_000, 10_000) < 30


def test_a_word_without_end_costs_its_length() -> None:
    assert growth(lambda size: list(find_people("A" * size)), 2_000, 12_000) < 18


def test_names_among_others_are_all_found() -> None:
    drawn = random.Random(5)
    names = drawn.sample(["Gabriela", "Heinrich", "Matteo", "Jennifer", "Nicolas", "Agnieszka"], 4)
    text = f"They were {', '.join(names[:3])} and {names[3]}."

    assert sorted(text[one.start : one.end] for one in find_people(text)) == sorted(names)
