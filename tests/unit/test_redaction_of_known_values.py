"""What one place of a trace marks as personal is found in its free text, under one placeholder."""

import json

from tests.unit.build import call, redacted, redacted_input, root, step


def test_what_metadata_marks_is_found_in_free_text_of_every_step() -> None:
    told = redacted(
        root(
            input={"value": "I am Jonah Sprague of 19 Wharf Road."},
            output={"value": "Thanks, Jonah Sprague!"},
            metadata={"user": {"name": "Jonah Sprague", "address": "19 Wharf Road"}},
        ),
        step("a", input={"messages": [{"content": "Jonah Sprague writes"}]}),
    ).trace

    assert told.root.input == {"value": "I am <PERSON_1> of <ADDRESS_1>."}
    assert told.root.output == {"value": "Thanks, <PERSON_1>!"}
    assert told.root.metadata == {"user": {"name": "<PERSON_1>", "address": "<ADDRESS_1>"}}
    assert told.spans[1].input == {"messages": [{"content": "<PERSON_1> writes"}]}


def test_what_a_tools_json_marks_is_found_in_the_answer() -> None:
    record = json.dumps({"orders": [{"customer": {"name": "Jonah Sprague"}, "id": "W1"}]})

    told = redacted(root(output="Thanks, Jonah Sprague!"), call("a", "get_order", {}, record)).trace

    assert told.root.output == "Thanks, <PERSON_1>!"
    assert "Jonah" not in told.model_dump_json()


def test_a_known_name_is_no_part_of_another_word() -> None:
    told = redacted_input("Hartland, Hart, and Harts", metadata={"user": {"name": "Hart"}})

    assert told == "Hartland, <PERSON_1>, and Harts"


def test_of_two_known_values_the_longer_is_found() -> None:
    told = redacted_input(
        "Jonah Sprague and Jonah", metadata={"first_name": "Jonah", "full_name": "Jonah Sprague"}
    )

    assert "Sprague" not in told
    assert told.count("<PERSON_") == 2


def test_a_known_value_that_is_too_short_to_tell_is_left_in_free_text() -> None:
    assert redacted_input("is it a b c", metadata={"user": {"name": "a"}, "sid": "b c"}) == "is it a b c"


def test_a_known_value_may_hold_what_a_pattern_would_read_as_syntax() -> None:
    assert redacted_input("a) Mr. (X|Y)* b", metadata={"user": {"name": "Mr. (X|Y"}}) == "a) <PERSON_1>)* b"


def test_one_value_has_one_placeholder_through_the_whole_trace() -> None:
    told = redacted(
        root(input="jane@example.com and joe@example.com", output="Jane@Example.com"),
        step("a", metadata={"note": "joe@example.com"}, input={"email": "jane@example.com"}),
    ).trace

    assert told.root.input == "<EMAIL_1> and <EMAIL_2>"
    assert told.root.output == "<EMAIL_1>"
    assert told.spans[1].metadata == {"note": "<EMAIL_2>"}
    assert told.spans[1].input == {"email": "<EMAIL_1>"}
