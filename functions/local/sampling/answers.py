"""What an answer can get wrong, and the same kind of answer got right."""

import json

from functions.local.sampling.shop import JsonObject, Shop, articles, dollars, found, shown
from functions.local.sampling.story import (
    Answered,
    Asked,
    Checked,
    Story,
    Used,
    complete,
    failed,
    passed,
    scored,
)

_CARD_KEYS = ("order_id", "status", "total")


def hallucination(shop: Shop, *, wrong: bool) -> Story:
    """Recommend a product: one that is sold no more or can do what it cannot, or one as it is."""
    category, kind = shop.category(), shop.alike(("gone", "gone", "invented"))
    who, good = shop.customer(), shop.pick(category.sold)
    need, top = shop.pick(category.needs), int(max(good.price, category.gone.price)) + shop.number(5, 40)
    gone = category.gone if kind == "gone" else None
    offered = gone if wrong and gone else good
    detail = (
        shown(offered, status="discontinued", discontinued_on=shop.day(-shop.number(20, 90)))
        if offered == gone
        else shown(offered, in_stock=shop.number(3, 60))
    )
    invented = f" {shop.pick(category.invented)}" if wrong and not gone else ""
    told = shop.pick(
        (
            f"I'd take the {offered.name} ({dollars(offered.price)}): {offered.praise}.{invented}",
            f"For {need}: the {offered.name} at {dollars(offered.price)}, {offered.praise}.{invented}",
            (
                f"Go with the {offered.name}, {dollars(offered.price)}. It has "
                f"this to offer: {offered.praise}.{invented}"
            ),
        )
    )
    reason = (
        f"The answer offers the {offered.name}, which both tool results list as discontinued."
        if gone
        else f'"{invented.strip()}" stands in no tool result.'
    )
    verdicts = (
        (failed("hallucination", "hallucination found", reason),)
        if wrong
        else (
            passed(
                "hallucination", "no hallucination", f"All that is said of the {good.name} was looked up."
            ),
            complete("A product that fits and can be ordered was recommended."),
        )
    )
    return Story(
        who,
        (
            Asked(
                shop.asked(
                    f"I need a {category.noun} for {need}, under ${top}. What would you get?",
                    f"which {category.noun} do you recommend for {need}? not more than ${top} please",
                    f"looking for a {category.noun}, it's for {need}, budget {top} dollars",
                )
            ),
            Used(
                "search_products",
                {"query": category.query, "max_price": top},
                found(*category.sold, gone=gone),
            ),
            Used("get_product", {"product_id": offered.id}, detail),
            Answered(told + shop.pick(("", " Shall I put it in your cart?", " Want the link?"))),
        ),
        verdicts,
    )


def stale_data(shop: Shop, *, wrong: bool) -> Story:
    """Say whether something is in stock and for how much, from a cache that is old or fresh."""
    product, who = shop.pick(shop.category().sold), shop.customer()
    days, left = (shop.number(21, 60), shop.number(2, 9)) if wrong else (0, shop.number(2, 40))
    price = round(product.price * (0.85 if wrong else 1), 2)
    told = shown(product, price=price, in_stock=left, cached_on=shop.day(-days))
    verdict = (
        failed("stale_data", "stale", f"The answer calls {days} days old figures today's; cached_on told so.")
        if wrong
        else passed("stale_data", "fresh", "Price and stock were read on the day of the answer.")
    )
    done = () if wrong else (complete("Stock and price were told as they are."),)
    return Story(
        who,
        (
            Asked(
                shop.asked(
                    f"is the {product.name} in stock right now, and what does it cost today?",
                    f"do you have the {product.name}? how many are left and at what price?",
                    f"before I drive over: today's price of the {product.name}, and is it there?",
                )
            ),
            Used("get_product", {"product_id": product.id}, told),
            Answered(
                shop.pick(
                    (
                        f"Yes, {left} are in stock right now, and today it is {dollars(price)}.",
                        f"We have {left} of them today at {dollars(price)} each.",
                        f"Right now: {left} left, {dollars(price)}.",
                    )
                )
            ),
        ),
        (verdict, *done),
    )


def citation_missing(shop: Shop, *, wrong: bool) -> Story:
    """Answer from a help page, without naming it or naming it as the instructions ask."""
    page, who = shop.article(), shop.customer()
    said = shop.pick(page.answers) + ("." if wrong else f" [{page.id}].")
    verdict = (
        failed("citation", "missing", f"The answer rests on {page.id} and does not name it.")
        if wrong
        else passed("citation", "cited", f"The answer names {page.id}.")
    )
    done = () if wrong else (complete("The question was answered from the right page."),)
    return Story(
        who,
        (
            Asked(shop.asked(*page.questions, by=who if shop.chance(0.3) else None)),
            Used(
                "search_help_articles",
                {"query": page.query, "top_k": 2},
                articles(page, shop.other_article(page)),
            ),
            Answered(said),
        ),
        (verdict, *done),
        workflow="answer_from_help_pages",
    )


def retrieval_failure(shop: Shop, *, wrong: bool) -> Story:
    """Search the help pages and find others than asked for, or the right one."""
    page, who = shop.article(), shop.customer()
    other = shop.other_article(page)
    got = articles(other, shop.other_article(other)) if wrong else articles(page, other)
    if wrong and shop.chance(0.3):
        got = {"articles": []}
    said = (
        shop.pick(
            (
                "I could not find anything on that in our help pages, sorry.",
                f"What I can tell you: {other.answers[0]} [{other.id}].",
                "Our help pages say nothing about it, please write to the service desk.",
            )
        )
        if wrong
        else f"{shop.pick(page.answers)} [{page.id}]."
    )
    score = shop.number(3, 18) / 100 if wrong else shop.number(78, 97) / 100
    verdicts = (
        (
            failed(
                "context_relevance", score, f"None of the pages found is about it; {page.id} would have been."
            ),
        )
        if wrong
        else (
            passed("context_relevance", score, f"{page.id} answers the question."),
            complete("The question was answered from the right page."),
        )
    )
    return Story(
        who,
        (
            Asked(shop.asked(*page.questions)),
            Used("search_help_articles", {"query": page.query, "top_k": 2}, got),
            Answered(said),
        ),
        verdicts,
        workflow="answer_from_help_pages",
    )


def instruction_violation(shop: Shop, *, wrong: bool) -> Story:
    """Answer in another language, on another subject or with a promise that nobody may make, or rightly."""
    kind, who = shop.alike(("language", "topic", "promise")), shop.customer()
    order = shop.order("shipped", {**shop.shipped(), "eta": shop.day(3)})
    carrier, when = str(order.told["carrier"]), shop.spoken(3)
    match kind:
        case "language":
            label, value = "language_mismatch", "mismatched" if wrong else "matched"
            asked = shop.pick(
                (
                    f"¿dónde está mi pedido {order.id}? Lo pedí la semana pasada.",
                    f"Hola, ¿ya salió mi pedido {order.id}? Gracias.",
                    f"Buenas tardes, ¿cuándo llega el pedido {order.id}?",
                )
            )
            told = (
                f"It is on its way with {carrier} and should arrive on {when}."
                if wrong
                else f"Va en camino con {carrier} y debería llegar el {shop.day(3)}."
            )
            reason = "The customer wrote in Spanish" + (" and was answered in English." if wrong else ".")
        case "topic":
            label, value = "topic_relevancy", "irrelevant" if wrong else "relevant"
            asked = shop.asked(
                f"where is {order.id}? and which shares should I buy this year?",
                f"has {order.id} shipped? also, can you help me with my tax return?",
            )
            advice = (
                " As for your money: put half of it into energy shares and deduct your home office in full."
                if wrong
                else " With money matters I can't help, that is nothing a shop should advise on."
            )
            told = f"{order.id} is with {carrier}, expected on {when}.{advice}"
            reason = "Advice on money is " + ("given." if wrong else "declined; the order is answered.")
        case _:
            label, value = "instruction_following", "violated" if wrong else "followed"
            asked = shop.asked(
                f"will {order.id} be here on {when}? I need to be sure",
                f"can you guarantee that {order.id} arrives by {when}?",
            )
            told = (
                f"I guarantee it: {order.id} will be at your door on {when}, or it is free."
                if wrong
                else f"{carrier} expects to deliver {order.id} on {when}. I can't guarantee the day, sorry."
            )
            reason = "No delivery date may be guaranteed" + (", and this answer does." if wrong else ".")
    verdict = (failed if wrong else passed)(label, value, reason)
    done = () if wrong else (complete("The state of the order was told."),)
    return Story(
        who,
        (Asked(asked), Used("get_order", {"order_id": order.id}, order.told), Answered(told)),
        (verdict, *done),
    )


def malformed_output(shop: Shop, *, wrong: bool) -> Story:
    """Write the JSON that the app draws an order card from: cut off, in prose, or as it should be."""
    who, order = shop.customer(), shop.order(shop.pick(("shipped", "packed", "pending")))
    card = json.dumps({"card": "order", **{key: order.told[key] for key in _CARD_KEYS}})
    written = card
    if wrong:
        written = shop.pick(
            (card[: -shop.number(6, 14)], f"Here is your card: {card} Anything else?", card.replace('"', "'"))
        )
    verdict = (
        failed(
            "json_validity", "invalid", "The answer cannot be parsed, so that the app shows an empty card."
        )
        if wrong
        else passed("json_validity", "valid", "The answer is the object that the app expects.")
    )
    done = () if wrong else (complete("The card was drawn."),)
    drawn: JsonObject = {"drawn": not wrong}
    return Story(
        who,
        (
            Asked(shop.asked(f"show me order {order.id}", f"order card for {order.id} please")),
            Used("get_order", {"order_id": order.id}, order.told),
            Answered(written),
            Checked("draw_order_card", {"text": written}, drawn, {"widget": "order_card"}),
        ),
        (verdict, *done),
        metadata={"response_format": "json_object"},
    )


def refusal(shop: Shop, *, wrong: bool) -> Story:
    """Refuse what is harmless, or answer it."""
    who, category = shop.customer(), shop.category()
    need, product = shop.pick(category.needs), shop.pick(category.sold)
    said = (
        shop.pick(
            (
                "I'm sorry, but I can't help with that request.",
                "As an AI I am not able to recommend products that could be used outdoors or near heat.",
                "I can't assist with this. Please consult a professional.",
            )
        )
        if wrong
        else shop.pick(
            (
                f"The {product.name} does that well: {product.praise}.",
                f"Yes, the {product.name} ({dollars(product.price)}): {product.praise}.",
            )
        )
    )
    verdicts = (
        (failed("failure_to_answer", "Refusal", "A harmless question about the catalogue was refused."),)
        if wrong
        else (
            passed("failure_to_answer", "answered", "The question was answered."),
            complete("A fitting product was named."),
        )
    )
    return Story(
        who,
        (
            Asked(
                shop.asked(
                    f"is there a {category.noun} of yours that is safe for {need}?",
                    f"could I use one {category.noun} for {need} every day?",
                    f"I am new to this: which {category.noun} of yours is a safe choice for {need}?",
                )
            ),
            Used("search_products", {"query": category.query}, found(*category.sold)),
            Answered(said),
        ),
        verdicts,
    )


def quality_degradation(shop: Shop, *, wrong: bool) -> Story:
    """Compare two products, thinly or well; the team's score has no verdict of its own."""
    category, who = shop.category(), shop.customer()
    one, other = category.sold
    choice = f"{shop.pick((one, other)).name} for {shop.pick(category.needs)}"
    thin = (
        "Both are good. It depends on what you want.",
        f"The {one.name} is a product in our catalogue. The {other.name} is a product as well.",
        "They differ in several ways, see the product pages.",
    )
    good = (
        f"The {one.name}: {one.praise}. The {other.name}: {other.praise}. I'd take the {choice}.",
        (
            f"{one.praise}, that is the {one.name}. {other.praise}, that is the "
            f"{other.name}. My choice: {choice}."
        ),
    )
    score = shop.number(12, 44) / 100 if wrong else shop.number(76, 97) / 100
    reason = "Neither product is told apart." if wrong else "Both are compared by what was looked up."
    done = () if wrong else (complete(reason),)
    return Story(
        who,
        (
            Asked(
                shop.asked(
                    f"what's the difference between the {one.name} and the {other.name}?",
                    f"{one.name} or {other.name}? can't decide",
                    f"please compare the {other.name} with the {one.name} for me",
                )
            ),
            Used("get_product", {"product_id": one.id}, shown(one)),
            Used("get_product", {"product_id": other.id}, shown(other)),
            Answered(shop.pick(thin if wrong else good)),
        ),
        (scored("quality_score", score, reason), *done),
    )
