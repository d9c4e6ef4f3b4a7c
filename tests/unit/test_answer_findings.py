"""Answers that offer, claim or state what the tools' results rule out."""

import pytest
from pydantic import JsonValue

from shared.domain.captures import Capture
from shared.domain.spans import Span
from shared.domain.taxonomy import FailureType as F
from tests.unit.build import ROOT_ID, call, capture, failed_call, model, root
from tests.unit.found import claimed_success, contradicted_value, the, unavailable_item

PRODUCT: JsonValue = {"name": "Tarnwick Cairn 38", "status": "discontinued", "price": 96}


def _offer(said: str, product: JsonValue, **fields: object) -> Capture:
    return capture(
        root(output={"value": said}),
        call("look", "get_product", {"sku": "C38"}, product, start_ns=2_000, **fields),
        model("say", said=said, start_ns=3_000),
    )


OFFERED = _offer("Take the Tarnwick Cairn 38!", PRODUCT)


def test_the_answer_is_blamed_for_what_it_offers_though_a_result_rules_it_out() -> None:
    finding = the(unavailable_item(OFFERED))

    assert (finding.failure_type, finding.span_id, finding.cause_span_id) == (F.HALLUCINATION, "say", "look")
    assert "discontinued" in finding.quote


@pytest.mark.parametrize(
    "product",
    [
        {"name": "Tarnwick Cairn 38", "availability": "Out_Of_Stock"},
        {
            "items": [
                {"title": "Ridge 20", "state": "active"},
                {"title": "Tarnwick Cairn 38", "state": "expired"},
            ]
        },
        {"sku": "tarnwick cairn 38", "status": " unavailable "},
    ],
)
def test_an_item_is_ruled_out_wherever_the_result_says_so(product: JsonValue) -> None:
    assert unavailable_item(_offer("Take the TARNWICK CAIRN 38!", product)) is not None


@pytest.mark.parametrize(
    ("said", "product"),
    [
        ("Take the Tarnwick Cairn 38!", {"name": "Tarnwick Cairn 38", "status": "active"}),
        ("The Tarnwick Cairn 38 is discontinued.", PRODUCT),
        ("We no longer have the Tarnwick Cairn 38.", PRODUCT),
        ("Take the Ridge 20!", PRODUCT),
        ("It is out of stock: Tarnwick Cairn 38", {"name": "Tarnwick Cairn 38", "status": "out_of_stock"}),
        ("You are set, ok?", {"name": "Set", "status": "retired"}),
        ("Take the Tarnwick Cairn 38!", {"name": "Tarnwick Cairn 38", "note": "discontinued"}),
        ("Take the Tarnwick Cairn 38!", {"name": "Tarnwick Cairn 38", "status": 5}),
        ("Take the Tarnwick Cairn 38!", "Tarnwick Cairn 38: discontinued"),
    ],
)
def test_an_answer_that_offers_what_may_be_offered_is_not_blamed(said: str, product: JsonValue) -> None:
    assert unavailable_item(_offer(said, product)) is None


def test_a_state_inside_a_list_of_outputs_is_quoted_where_it_stands() -> None:
    output = {"documents": [{"text": "none"}, {"name": "Tarnwick Cairn 38", "status": "discontinued"}]}

    finding = the(unavailable_item(_offer("Take the Tarnwick Cairn 38!", None, output=output)))

    assert finding.quote == "discontinued"


def _claiming(said: str, tool: str, *others: Span, error: str = "500 internal error") -> Capture:
    return capture(
        root(output={"value": said}),
        failed_call("do", tool, error, start_ns=2_000),
        *others,
        model("say", said=said, start_ns=5_000),
    )


CLAIMS = [
    ("Your table has been booked for tonight.", "book_table"),
    ("I've updated your address.", "updateAddress"),
    ("I have just cancelled the order. Anything else?", "cancel-order"),
    ("Good news: the refund was successfully issued!", "issue_refund"),
    ("Your order is now cancelled.", "orders.cancel"),
    ("We have submitted your form.", "submit_form"),
    ("Ihre Buchung wurde erfolgreich storniert.", "cancel_booking"),
    ("Votre commande a été annulée.", "cancel_order"),
    ("Su reserva ha sido cancelada.", "cancel_reservation"),
    ("Your flat has been cleaned.", "clean_flat"),
]


@pytest.mark.parametrize(("said", "tool"), CLAIMS)
def test_a_claim_that_a_failed_tool_has_done_its_deed_is_blamed(said: str, tool: str) -> None:
    finding = the(claimed_success(_claiming(said, tool)))

    assert (finding.failure_type, finding.span_id, finding.cause_span_id) == (F.HALLUCINATION, "say", "do")
    assert finding.quote in said
    assert finding.stable == tool


@pytest.mark.parametrize(
    ("said", "tool"),
    [
        ("Your table has not been booked.", "book_table"),
        ("Unfortunately I couldn't get your table booked.", "book_table"),
        ("Has your table been booked?", "book_table"),
        ("Once it has been booked you get a mail.", "book_table"),
        ("Your table will be booked tomorrow.", "book_table"),
        ("There was an error, so nothing has been booked.", "book_table"),
        ("Your chair has been painted.", "book_table"),
        ("I've found your order.", "get_order"),
        ("The booked table is by the window.", "book_table"),
        ("Ihre Buchung wurde leider nicht storniert.", "cancel_booking"),
    ],
)
def test_an_answer_that_claims_nothing_is_not_blamed(said: str, tool: str) -> None:
    assert claimed_success(_claiming(said, tool)) is None


@pytest.mark.parametrize("tool", ["book_table", "book_seat", "bookTable"])
def test_a_deed_that_another_call_has_done_may_be_claimed(tool: str) -> None:
    done = call("again", tool, {}, "ok", start_ns=3_000)

    assert claimed_success(_claiming("Your table has been booked.", "book_table", done)) is None


@pytest.mark.parametrize("error", ["the order was cancelled in May", "nothing left to do: done already"])
def test_what_had_been_done_before_may_be_claimed(error: str) -> None:
    told = _claiming("Your order is cancelled.", "cancel_order", error=error)

    assert claimed_success(told) is None


def test_a_claim_made_on_the_way_is_blamed_where_it_was_made() -> None:
    claim = model("early", said="Your table has been booked.", start_ns=3_000)

    assert the(claimed_success(_claiming("You are welcome.", "book_table", claim))).span_id == "early"


def test_a_claim_before_the_call_says_nothing_of_it() -> None:
    claim = model("early", said="Your table has been booked.", start_ns=1_500)

    assert claimed_success(_claiming("You are welcome.", "book_table", claim)) is None


def test_without_models_the_answer_of_the_run_is_blamed() -> None:
    told = capture(root(output={"value": "It has been booked."}), failed_call("do", "book_table", "500"))

    assert the(claimed_success(told)).span_id == ROOT_ID


def _stating(said: str, *results: JsonValue, asked: str = "Well?", tool: str = "get_account") -> Capture:
    calls = [call(f"c{at}", tool, {"n": at}, one, start_ns=2_000 + at) for at, one in enumerate(results)]
    return capture(
        root(input={"value": asked}, output={"value": said}), *calls, model("say", said=said, start_ns=5_000)
    )


@pytest.mark.parametrize(
    ("said", "result"),
    [
        ("Your balance is $412.50.", {"balance": 93.1}),
        ("**Balance:** 412.50", {"balance": "93.10"}),
        ("Here you are:\n- Total Price: $1,305\n", {"order": {"total_price": 977}}),
        ("The price was 55 €", {"items": [{"price": 96}, {"price": 17.5}]}),
        ("Status: delivered", {"status": "pending"}),
        ("The order's status is cancelled", {"orderStatus": "in_transit"}),
    ],
)
def test_a_labelled_value_that_no_result_gives_under_its_key_is_blamed(said: str, result: JsonValue) -> None:
    finding = the(contradicted_value(_stating(said, result)))

    assert (finding.failure_type, finding.span_id, finding.cause_span_id) == (F.HALLUCINATION, "say", "c0")


@pytest.mark.parametrize(
    ("said", "results"),
    [
        ("Your balance is $93.10.", [{"balance": 93.1}]),
        ("Your balance is about 93.", [{"balance": 93.1}]),
        ("Your balance is 93.10", [{"balance": 9310}]),
        ("Your balance is 412", [{"balance": 93}, {"balance": 412}]),
        ("Your balance is 412", [{"balance": 93, "credit": 412}]),
        ("Your balance is 412", [{"balance": 93, "note": "it was 412 before"}]),
        ("Total: 189", [{"total": 93}, {"total": 96}]),
        ("Price: 186 for both", [{"price": 93}]),
        ("Your new balance is 412", [{"balance": 93}]),
        ("Your balance by 2024 will grow, see page 7", [{"balance": 93}]),
        ("Balance: 10/12/2024", [{"balance": 93}]),
        ("Balance: 12:30", [{"balance": 93}]),
        ("The fee is 412", [{"balance": 93}]),
        ("Status: shipped", [{"status": "in_transit"}]),
        ("Status: lovely", [{"status": "pending"}]),
        ("Status: delivered", [{"status": "pending"}, {"status": "delivered"}]),
        ("Status: delivered", ["pending"]),
    ],
)
def test_a_value_that_agrees_or_can_be_reckoned_or_is_another_is_not_blamed(
    said: str, results: list[JsonValue]
) -> None:
    assert contradicted_value(_stating(said, *results)) is None


def test_a_number_that_the_user_has_told_is_no_contradiction() -> None:
    assert (
        contradicted_value(_stating("Your balance is 412", {"balance": 93}, asked="It should be 412")) is None
    )


def test_what_a_later_call_may_have_changed_is_no_contradiction() -> None:
    assert contradicted_value(_stating("Your balance is 412", {"balance": 93}, tool="pay_invoice")) is None
