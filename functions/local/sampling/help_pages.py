"""The help pages of the made-up shop."""

from typing import NamedTuple


class Article(NamedTuple):
    """One help page, how people ask for it, and what it comes to."""

    id: str
    title: str
    text: str
    query: str
    questions: tuple[str, ...]
    answers: tuple[str, ...]


ARTICLES = (
    Article(
        "KB-118",
        "Returns and refunds",
        "Unused items can be sent back within 30 days of delivery. Postage is free in the contiguous US. "
        "Refunds reach the original payment method in 5 business days after the parcel is checked in.",
        "how to return an item",
        (
            "how long do I have to send something back, and who pays the postage?",
            "what is your return policy for things I have not used?",
            "if I return a jacket, when would I see the money?",
        ),
        (
            (
                "You have 30 days from delivery for unused items, postage is free in the contiguous US, and "
                "the refund takes 5 business days once the parcel is checked in"
            ),
            (
                "Unused items go back free of charge within 30 days; the refund follows 5 business days "
                "after check-in, to the way you paid"
            ),
        ),
    ),
    Article(
        "KB-121",
        "Opened items",
        "In-ear and on-ear audio can only be returned with the hygiene seal intact. Other electronics may be "
        "opened; a 10 % restocking fee applies when accessories are missing.",
        "return opened electronics",
        (
            "can earbuds go back once the box is open?",
            "do you take back electronics that I have tried out?",
            "is there a fee if I return a kettle without its cable?",
        ),
        (
            (
                "Audio needs its hygiene seal intact; other electronics may be opened, with a 10 % "
                "restocking fee if accessories are missing"
            ),
            (
                "Opened electronics are fine apart from in-ear and on-ear audio, and a 10 % fee applies only "
                "when accessories are missing"
            ),
        ),
    ),
    Article(
        "KB-204",
        "Discount codes",
        "One code per order, entered before payment. Codes cannot be added to an order that is already paid. "
        "WELCOME10 takes 10 % off a first order above $40. Staff codes work for staff accounts only.",
        "discount code conditions",
        (
            "can I use two discount codes at once?",
            "does WELCOME10 work on an order that I have paid already?",
            "what do I need to spend to use the welcome code?",
        ),
        (
            "One code per order, before payment; WELCOME10 takes 10 % off a first order above $40",
            "Codes go in before you pay, one per order. WELCOME10 needs a first order above $40",
        ),
    ),
    Article(
        "KB-261",
        "Price match",
        "We match prices of listed retailers within 7 days when the same item is in stock there. Send a link "
        "to the offer to the service desk.",
        "price match policy",
        (
            "I saw the same tent cheaper elsewhere, do you match prices?",
            "how does your price match work?",
            "bought a kettle three days ago and it is cheaper somewhere else now, anything you can do?",
        ),
        (
            (
                "We match listed retailers within 7 days if the item is in stock there; send the link to the "
                "service desk"
            ),
            (
                "Yes, within 7 days and for listed retailers that have it in stock: the service "
                "desk needs a link"
            ),
        ),
    ),
    Article(
        "KB-288",
        "Delivery times",
        "Standard delivery takes 3 to 5 business days, express 1 to 2. Parcels above 20 kg go by freight and "
        "take 6 to 9 business days. We do not deliver on Sundays.",
        "delivery times standard express",
        (
            "how long does standard delivery take?",
            "do you deliver on Sundays?",
            "how much faster is express?",
        ),
        (
            "Standard takes 3 to 5 business days and express 1 to 2; there is no delivery on Sundays",
            "Express arrives in 1 to 2 business days, standard in 3 to 5, and Sundays are off",
        ),
    ),
    Article(
        "KB-310",
        "Change your contact details",
        "Open Account > Details to change e-mail, phone or address. For safety the assistant cannot edit "
        "them. Orders already packed keep the old address.",
        "change e-mail and phone",
        (
            "where do I change my phone number?",
            "I have moved, can you update my address?",
            "how do I put another e-mail on my account?",
        ),
        (
            "Account > Details lets you change e-mail, phone and address; packed orders keep the old one",
            (
                "I can't edit contact details, but you can under Account > Details. What is packed already "
                "still goes to the old address"
            ),
        ),
    ),
    Article(
        "KB-334",
        "Gift wrapping",
        "Gift wrapping costs $4 an item and is offered in the basket. A card with up to 200 characters is "
        "included. Items above 60 cm cannot be wrapped.",
        "gift wrapping price",
        (
            "do you wrap gifts, and what is it?",
            "can you put a card in with a present?",
            "is a sleeping bag too large to be wrapped?",
        ),
        (
            (
                "Wrapping is $4 an item, chosen in the basket, with a card of up to 200 characters; items "
                "above 60 cm cannot be wrapped"
            ),
            "Yes: $4 in the basket, a card included, for anything up to 60 cm",
        ),
    ),
    Article(
        "KB-352",
        "Warranty",
        "Everything we sell has a two-year warranty on faults of material and make. Keep the order number; "
        "photos speed things up. Wear and tear is not covered.",
        "warranty terms",
        (
            "a zip broke after a year, is that covered?",
            "how long is the warranty on a tent?",
            "what do you need from me for a warranty claim?",
        ),
        (
            "Two years on faults of material and make, not on wear; have your order number and a photo ready",
            (
                "There is a two-year warranty on material and make. With the order number and photos it goes "
                "fastest"
            ),
        ),
    ),
)
