"""What breaks below the answer: services, limits, models, time."""

from functions.local.sampling.shop import JsonObject, Shop, articles, dollars, found, shown
from functions.local.sampling.story import (
    Answered,
    Asked,
    Broke,
    Fault,
    Step,
    Story,
    Used,
    complete,
    failed,
    passed,
)

_SORRY = (
    "Sorry, something went wrong on our side. Please try again in a few minutes.",
    "I'm sorry, I can't answer right now. Please come back a little later.",
    "That did not work, and it is not your fault. Please try again soon.",
)
_MOST_TOKENS = 128_000
_SLOW_SECONDS = 10.0


def latency(shop: Shop, *, wrong: bool) -> Story:
    """Answer rightly and far too late, or in time."""
    page, who = shop.article(), shop.customer()
    where = shop.alike(("search", "model"))
    waited = shop.number(140, 420) / 10 if wrong else shop.number(2, 9) / 10
    seconds = round(waited + shop.number(20, 35) / 10, 1)
    verdict = (
        failed("latency", seconds, f"The answer took about {seconds} s; the limit is {_SLOW_SECONDS:g} s.")
        if wrong
        else passed("latency", seconds, f"The answer came within {_SLOW_SECONDS:g} s.")
    )
    done = () if wrong else (complete("The question was answered from the right page."),)
    return Story(
        who,
        (
            Asked(shop.asked(*page.questions)),
            Used(
                "search_help_articles",
                {"query": page.query, "top_k": 1},
                articles(page),
                seconds=waited if where == "search" else None,
            ),
            Answered(f"{shop.pick(page.answers)} [{page.id}].", waited if where == "model" else None),
        ),
        (verdict, *done),
        workflow="answer_from_help_pages",
    )


def context_overflow(shop: Shop, *, wrong: bool) -> Story:
    """Go on with a conversation whose history no longer fits into the model, or still does."""
    category, who = shop.category(), shop.customer()
    one, other = category.sold
    tokens = _MOST_TOKENS + shop.number(300, 9_000) if wrong else shop.number(18_000, 90_000)
    fault = Fault(
        "BadRequestError",
        f"Error: this model's maximum context length is {_MOST_TOKENS} tokens, the messages came to {tokens}",
        400,
    )
    verdict = (
        failed("context_overflow", tokens, f"The history came to {tokens} of {_MOST_TOKENS} tokens.")
        if wrong
        else passed("context_overflow", tokens, f"{tokens} of {_MOST_TOKENS} tokens.")
    )
    done = () if wrong else (complete("All three questions were answered."),)
    last: Step = (
        Broke(fault, input_tokens=tokens)
        if wrong
        else Answered(f"The {one.name}, I'd say: {one.praise}.", input_tokens=tokens)
    )
    return Story(
        who,
        (
            Asked(
                shop.asked(
                    f"I want to go through every {category.noun} you have, please list them all with details",
                    f"show me all of them, each {category.noun}, with all reviews",
                )
            ),
            Used("search_products", {"query": category.query, "with_reviews": True}, found(one, other)),
            Answered(
                f"Here they are: {one.name} ({dollars(one.price)}), {other.name} ({dollars(other.price)})."
            ),
            Asked(
                shop.pick(("and all reviews of the first one?", "now the reviews of the first, all of them"))
            ),
            Used(
                "get_product",
                {"product_id": one.id, "with_reviews": True},
                shown(one, reviews=f"{shop.number(600, 2400)} reviews, left out here"),
            ),
            Answered(f"Most praise it: {one.praise}. I have read them all.", input_tokens=tokens // 2),
            Asked(shop.pick(("so which one, all in all?", "ok and if you had to choose?"))),
            last,
        ),
        (verdict, *done),
        answer=shop.pick(_SORRY) if wrong else "",
        failed=wrong,
    )


def rate_limited(shop: Shop, *, wrong: bool) -> Story:
    """Be turned away by the model's provider until the run gives up, or once and then heard."""
    order, who = shop.order("shipped", {**shop.shipped(), "eta": shop.day(2)}), shop.customer()
    wait = shop.number(8, 58)
    fault = Fault("RateLimitError", f"Error: too many requests, try again in {wait} s", 429)
    steps: list[Step] = [
        Asked(
            shop.asked(
                f"has {order.id} shipped?",
                f"when will {order.id} arrive?",
                f"tracking number of {order.id} please",
                by=who if shop.chance(0.3) else None,
            )
        ),
        Used("get_order", {"order_id": order.id}, order.told),
    ]
    if wrong:
        steps += [Broke(fault)] * shop.number(1, 3)
        return Story(who, tuple(steps), (), answer=shop.pick(_SORRY), failed=True)
    if shop.chance(0.4):
        steps.append(Broke(fault))
    told = f"{order.told['carrier']} has it as {order.told['tracking']}, due on {shop.spoken(2)}."
    return Story(who, (*steps, Answered(told)), (complete("State, number and day were told."),))


def infrastructure_error(shop: Shop, *, wrong: bool) -> Story:
    """Ask a service that is down and stays so, or that was down for a moment."""
    product, who = shop.pick(shop.category().sold), shop.customer()
    speed, seconds = shop.alike(("express", "standard")), shop.pick((5.0, 10.0))
    code = shop.alike((502, 503, 504))
    fault = Fault(
        "UpstreamError",
        shop.pick(
            (
                f"Error: upstream timeout after {seconds:g}s (HTTP {code})",
                f"Error: {code} from the carrier gateway, service unavailable",
            )
        ),
        code,
    )
    arguments: JsonObject = {"product_id": product.id, "postal_code": who.postal_code, "method": speed}
    price = shop.pick((6.5, 18.0, 24.0))
    broken = Used("get_shipping_quote", arguments, {}, fault=fault, seconds=seconds)
    asked = Asked(
        shop.asked(
            f"how much is {speed} shipping of the {product.name} to {who.postal_code}?",
            f"what would it cost to send the {product.name} to {who.city}, {speed}?",
            f"{speed} delivery of the {product.name} to {who.address}, what's the price?",
        )
    )
    if wrong:
        said = shop.pick(
            (
                f"Sorry {who.name.split()[0]}, our carrier service does not answer, so I have no price.",
                "I can't see shipping prices at the moment, the carrier's service is down.",
            )
        )
        tries = (broken,) * shop.number(1, 2)
        return Story(who, (asked, *tries, Answered(said)), (), failed=True)
    quote = Used("get_shipping_quote", arguments, {"method": speed, "price": price, "currency": "USD"})
    once = (broken,) if shop.chance(0.4) else ()
    said = f"{speed.capitalize()} shipping of the {product.name} is {dollars(price)}."
    return Story(who, (asked, *once, quote, Answered(said)), (complete("The price was told."),))


def client_error(shop: Shop, *, wrong: bool) -> Story:
    """Be refused by a service for the state that something is in, or be served."""
    who, cart, order = shop.customer(), shop.cart(), shop.order("pending")
    kind = shop.alike(("locked", "forbidden", "gone"))
    tool, arguments, text, code = {
        "locked": (
            *("apply_discount", {"cart_id": cart, "code": "WELCOME10"}),
            *("Error: 409 Conflict, the cart is being checked out in another window", 409),
        ),
        "forbidden": (
            *("cancel_order", {"order_id": order.id}),
            *("Error: 403 Forbidden, this token may read orders only", 403),
        ),
        "gone": (
            *("apply_discount", {"cart_id": cart, "code": "WELCOME10"}),
            *("Error: 410 Gone, the campaign has ended", 410),
        ),
    }[kind]
    asked = (
        (f"please cancel {order.id}", f"I want to cancel {order.id}, ordered the wrong colour")
        if tool == "cancel_order"
        else (f"put WELCOME10 on cart {cart} please", f"can you add WELCOME10 to {cart}? first order")
    )
    fault = Fault("ServiceError", text, code) if wrong else None
    result: JsonObject = {**arguments, "done": True}
    said = (
        (
            "I could not do that, sorry. Please try again later.",
            "That did not go through, and I can't say why.",
        )
        if wrong
        else ("Done!", "All set, it is done.")
    )
    steps = (
        Asked(shop.asked(*asked, by=who if shop.chance(0.4) else None)),
        Used(tool, {**arguments}, result, fault=fault),
        Answered(shop.pick(said)),
    )
    return Story(who, steps, () if wrong else (complete("It was done as asked."),), failed=wrong)


def llm_error(shop: Shop, *, wrong: bool) -> Story:
    """Lose the model in the middle of its answer, or hear it to the end."""
    page, who = shop.article(), shop.customer()
    fault = Fault(
        *shop.pick(
            (
                ("StreamError", "Error: the stream ended before a finish reason was given"),
                ("ContentFilterError", "Error: the provider's filter stopped the output"),
                ("DecodeError", "Error: the model's answer could not be decoded"),
            )
        )
    )
    question = Asked(shop.asked(*page.questions, by=who if shop.chance(0.3) else None))
    search = Used("search_help_articles", {"query": page.query, "top_k": 1}, articles(page))
    if wrong:
        steps = (question, search, Broke(fault))
        return Story(who, steps, (), answer=shop.pick(_SORRY), failed=True)
    answer = Answered(f"{shop.pick(page.answers)} [{page.id}].")
    return Story(who, (question, search, answer), (complete("The question was answered."),))
