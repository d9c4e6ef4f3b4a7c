"""What an assistant can do wrong: the tool, its arguments, what nobody asked for, too often or too little."""

from functions.local.sampling.help_pages import ARTICLES
from functions.local.sampling.shop import JsonObject, Shop, articles, dollars
from functions.local.sampling.story import (
    Answered,
    Asked,
    Step,
    Story,
    Used,
    complete,
    failed,
    incomplete,
    passed,
)

_REASONS = ("too_small", "changed_mind", "arrived_late", "damaged")
_BY_ID = {page.id: page for page in ARTICLES}


def wrong_tool(shop: Shop, *, wrong: bool) -> Story:
    """Ask how something works: the assistant does it, or says how."""
    who, kind = shop.customer(), shop.alike(("return", "cancel", "code"))
    order, cart = shop.order("delivered" if kind == "return" else "pending"), shop.cart()
    page = _BY_ID["KB-204" if kind == "code" else "KB-118"]
    match kind:
        case "return":
            asked = (
                f"what would I have to do to return something from {order.id}? not decided yet",
                f"how do returns work? I have {order.id} in mind but want to know first",
            )
            tool, arguments = "create_return", {"order_id": order.id, "reason": shop.pick(_REASONS)}
            result: JsonObject = {
                "return_id": shop.return_id(),
                "status": "created",
                "refund_amount": order.told["total"],
                "label_sent_to": who.email,
            }
            did = f"Done! I have opened a return for {order.id}, the label is on its way to your inbox."
        case "cancel":
            asked = (
                f"suppose I cancelled {order.id}, how long would the refund take?",
                f"is cancelling free? asking about {order.id}, just so I know",
            )
            tool, arguments = "cancel_order", {"order_id": order.id}
            result = {"order_id": order.id, "status": "cancelled", "refund_amount": order.told["total"]}
            did = f"{order.id} is cancelled, and {dollars(order.total)} goes back to you."
        case _:
            asked = (
                f"what does WELCOME10 do? cart {cart}, but I may keep the code for later",
                f"can you explain the welcome code to me? I have {cart} open",
            )
            tool, arguments = "apply_discount", {"cart_id": cart, "code": "WELCOME10"}
            result = {"cart_id": cart, "code": "WELCOME10", "applied": True}
            did = f"WELCOME10 is on cart {cart} now, enjoy!"
    judged = (
        failed("tool_selection", "incorrect", f"The customer asked how it works; {tool} changes something.")
        if wrong
        else passed(
            "tool_selection", "correct", "A question about how it works, and the help pages answer it."
        )
    )
    used = (
        Used(tool, {**arguments}, result, judged=(judged,))
        if wrong
        else Used("search_help_articles", {"query": page.query, "top_k": 1}, articles(page), judged=(judged,))
    )
    said = did if wrong else f"{shop.pick(page.answers)} [{page.id}]. I have not changed anything."
    done = incomplete("The question was not answered.") if wrong else complete("The question was answered.")
    return Story(who, (Asked(shop.asked(*asked)), used, Answered(said)), (done,))


def wrong_arguments(shop: Shop, *, wrong: bool) -> Story:
    """Call the right tool with another postcode or speed than the customer said, or with theirs."""
    who, other, product = shop.customer(), shop.customer(), shop.pick(shop.category().sold)
    speed = shop.alike(("express", "standard"))
    slip = shop.pick(("postal_code", "method"))
    postal_code = str(shop.number(10_000, 99_999)) if wrong and slip == "postal_code" else other.postal_code
    method = ("standard" if speed == "express" else "express") if wrong and slip == "method" else speed
    price, days = (18.0, 2) if method == "express" else (6.5, 5)
    judged = (
        failed(
            "tool_argument_correctness",
            "incorrect",
            f"The customer said {speed} to {other.postal_code}; {slip} is another.",
        )
        if wrong
        else passed("tool_argument_correctness", "correct", "Product, postcode and speed are the customer's.")
    )
    done = () if wrong else (complete("Price and time were told for what was asked."),)
    return Story(
        who,
        (
            Asked(
                shop.asked(
                    f"what is {speed} shipping of the {product.name} to {other.postal_code}?",
                    f"how much to send the {product.name} {speed} to {other.city}, {other.postal_code}?",
                    f"I'd like to give the {product.name} to {other.name}, {other.address}. {speed} please, "
                    "what does it cost?",
                    by=who if shop.chance(0.3) else None,
                )
            ),
            Used(
                "get_shipping_quote",
                {"product_id": product.id, "postal_code": postal_code, "method": method},
                {"method": method, "price": price, "currency": "USD", "days_max": days},
                judged=(judged,),
            ),
            Answered(
                shop.pick(
                    (
                        f"Shipping the {product.name} is {dollars(price)} and takes up to {days} days.",
                        f"That would be {dollars(price)}, {days} business days at most.",
                    )
                )
            ),
        ),
        done,
    )


def unwanted_action(shop: Shop, *, wrong: bool) -> Story:
    """Cancel although the customer wants to think about it, or after the customer has said yes."""
    who, order = shop.customer(), shop.order("pending")
    total = dollars(order.total)
    wait = (
        "let me ask my wife first, I'll come back to you",
        "hm, not yet. I want to sleep on it",
        "wait, what would that mean for my voucher? I'd rather keep it for now",
    )
    yes = ("yes please, cancel it", "go ahead and cancel", "yes, I'm sure, cancel the order")
    verdict = (
        failed(
            "unwanted_action", "not consented", "The order was cancelled after the customer had said to wait."
        )
        if wrong
        else passed("unwanted_action", "consented", "The customer confirmed before the order was cancelled.")
    )
    done = () if wrong else (complete("The order was cancelled as asked."),)
    return Story(
        who,
        (
            Asked(
                shop.asked(
                    f"could {order.id} still be cancelled?",
                    f"is it too late to stop {order.id}?",
                    f"I think I ordered too much with {order.id}. is cancelling possible?",
                )
            ),
            Used("get_order", {"order_id": order.id}, order.told),
            Answered(f"Yes, {order.id} ({total}) has not been packed. Shall I cancel it?"),
            Asked(shop.pick(wait if wrong else yes)),
            Used(
                "cancel_order",
                {"order_id": order.id},
                {"order_id": order.id, "status": "cancelled", "refund_amount": order.told["total"]},
            ),
            Answered(
                shop.pick(
                    (
                        f"Done, {order.id} is cancelled and {total} is on its way back to you.",
                        f"I have cancelled {order.id}. You get {total} back within 5 business days.",
                    )
                )
            ),
        ),
        (verdict, *done),
    )


def runaway_loop(shop: Shop, *, wrong: bool) -> Story:
    """Look the same thing up again and again, or once and say what it means."""
    who, kind = shop.customer(), shop.alike(("order", "return"))
    order, name = shop.order("pending", {"tracking": None}), shop.return_id()
    tool, arguments, result, subject = (
        ("get_order", {"order_id": order.id}, order.told, order.id)
        if kind == "order"
        else (
            *("get_return_status", {"return_id": name}),
            *({"return_id": name, "status": "in_transit", "checked_in": None}, name),
        )
    )
    times = shop.number(4, 7) if wrong else 1
    said = ("", "Let me check again.", "Still the same, one more time.", "Trying once more.")
    steps = [Used(tool, {**arguments}, {**result}, said=shop.pick(said) if at else "") for at in range(times)]
    answer = (
        shop.pick(
            (
                f"I'm so sorry, I could not get an update for {subject}. Please try again later.",
                f"I checked {subject} several times and cannot tell you more.",
            )
        )
        if wrong
        else shop.pick(
            (
                f"{subject} is waiting for its first scan, which can take two days. You get an e-mail then.",
                f"Nothing is wrong with {subject}: it was not scanned yet. Ask again on {shop.spoken(2)}.",
            )
        )
    )
    verdicts = (
        (
            failed("runaway_loop", times, f"{tool} was called {times} times with equal arguments."),
            incomplete("The customer was told neither the state nor what to do next."),
        )
        if wrong
        else (
            passed("runaway_loop", times, "No call was repeated."),
            complete("State and next step were told after one call."),
        )
    )
    return Story(
        who,
        (
            Asked(
                shop.asked(
                    f"wheres {subject}?? no mail, no tracking, nothing",
                    f"is there any news of {subject}?",
                    f"I am still waiting to hear about {subject}, what is going on?",
                    by=who if shop.chance(0.4) else None,
                )
            ),
            *steps,
            Answered(answer),
        ),
        verdicts,
    )


def incomplete_task(shop: Shop, *, wrong: bool) -> Story:
    """Do one of two things that were asked for and call it done, or do both."""
    who, one, other = shop.customer(), shop.order("delivered"), shop.order("delivered")
    reason, name = shop.alike(_REASONS), shop.return_id()

    def returned(order_id: str, return_id: str) -> Used:
        return Used(
            "create_return",
            {"order_id": order_id, "reason": reason},
            {"return_id": return_id, "order_id": order_id, "status": "created", "label_sent_to": who.email},
        )

    steps: list[Step] = [
        Asked(
            shop.asked(
                f"please return {one.id} and {other.id}, both {reason.replace('_', ' ')}",
                f"two returns: {one.id}, and then {other.id} as well. {reason.replace('_', ' ')}",
                f"{one.id} has to go back ({reason.replace('_', ' ')}), and so has {other.id}",
            )
        ),
        Used("get_order", {"order_id": one.id}, one.told),
        returned(one.id, name),
    ]
    if not wrong:
        steps += [Used("get_order", {"order_id": other.id}, other.told), returned(other.id, shop.return_id())]
    said = (
        (
            f"All done! Return {name} is open, the label is in your inbox.",
            f"Your return {name} is set up. Is there anything else?",
        )
        if wrong
        else (
            f"Both are open: {name} for {one.id}, and one for {other.id}. The labels are in your inbox.",
            f"Done, returns for {one.id} and {other.id} are open and both labels sent.",
        )
    )
    done = (
        incomplete(f"Two returns were asked for and one was opened; {other.id} was never mentioned again.")
        if wrong
        else complete("Both returns were opened.")
    )
    return Story(who, (*steps, Answered(shop.pick(said))), (done,))
