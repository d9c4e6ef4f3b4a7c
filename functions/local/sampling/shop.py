"""What is drawn at random for one run: people, orders, wordings; the same for the same seed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple, TypeVar

from pydantic import JsonValue

from functions.local.sampling import world
from functions.local.sampling.help_pages import ARTICLES, Article
from functions.local.sampling.world import Category, Person, Product

T = TypeVar("T")
JsonObject = dict[str, JsonValue]

_GREETINGS = ("", "", "", "Hi, ", "Hello! ", "hey, ", "Good morning, ", "Quick question: ")
_THANKS = ("", "", "", " Thanks!", " thx", " Thank you very much.", " Please be quick.")


class Order(NamedTuple):
    """An order, and what get_order tells of it."""

    id: str
    product: Product
    total: float
    told: JsonObject


class Shop:
    """Draws from the made-up world; what it draws is of one moment."""

    def __init__(self, random: Random, alike: Random, at: datetime) -> None:
        """`alike` is drawn from in the same order for two runs that shall be like each other."""
        self._random = random
        self._alike = alike
        self._at = at

    def alike(self, options: Sequence[T]) -> T:
        """Draw one, and the same one for the run beside this."""
        return self._alike.choice(options)

    def pick(self, options: Sequence[T]) -> T:
        """Draw one."""
        return self._random.choice(options)

    def number(self, low: int, high: int) -> int:
        """Draw a number, both ends included."""
        return self._random.randint(low, high)

    def chance(self, share: float) -> bool:
        """Say yes in a share of the draws."""
        return self._random.random() < share

    def day(self, days: int) -> str:
        """Spell the date so many days from now as tools do."""
        return f"{self._at + timedelta(days=days):%Y-%m-%d}"

    def spoken(self, days: int) -> str:
        """Spell the date so many days from now as people do."""
        day = self._at + timedelta(days=days)
        return f"{day:%A, %B} {day.day}"

    def category(self) -> Category:
        """Draw a kind of thing, the same one for the run beside this."""
        return self.alike(world.CATEGORIES)

    def article(self) -> Article:
        """Draw a help page, the same one for the run beside this."""
        return self.alike(ARTICLES)

    def other_article(self, than: Article) -> Article:
        """Draw another help page."""
        return self.pick([page for page in ARTICLES if page != than])

    def product(self) -> Product:
        """Draw something that is sold."""
        return self.pick(self.pick(world.CATEGORIES).sold)

    def customer(self) -> Person:
        """Make somebody up."""
        first, last = self.pick(world.FIRST_NAMES), self.pick(world.LAST_NAMES)
        city, state, postal_code, area = self.pick(world.PLACES)
        mail = self.pick((f"{first}.{last}", f"{first[0]}{last}", f"{last}{self.number(2, 97)}")).lower()
        return Person(
            id=f"u_{self.number(10_000, 99_999)}",
            name=f"{first} {last}",
            email=f"{mail}@{self.pick(world.MAIL_HOSTS)}",
            phone=f"({area}) 555-01{self.number(0, 99):02}",
            address=f"{self.number(2, 980)} {self.pick(world.STREETS)}, {city}, {state} {postal_code}",
            postal_code=postal_code,
            city=city,
            card=self.pick(world.CARDS),
        )

    def order(
        self, status: str, further: JsonObject | None = None, *, product: Product | None = None
    ) -> Order:
        """Make an order up; `further` is what else is told of it."""
        bought = product or self.product()
        name, quantity = f"SO-{self.number(50_000, 59_999)}", self.number(1, 3)
        total = round(quantity * bought.price, 2)
        item: JsonObject = {"product_id": bought.id, "name": bought.name, "qty": quantity}
        told: JsonObject = {
            "order_id": name,
            "status": status,
            "placed_at": self.day(-self.number(3, 9)),
            "items": [{**item, "price": bought.price}],
            "total": total,
            **(further or {}),
        }
        return Order(name, bought, total, told)

    def shipped(self) -> JsonObject:
        """Draw what a carrier tells of a parcel."""
        carrier, prefix = self.pick(world.CARRIERS)
        return {"carrier": carrier, "tracking": f"{prefix}{self.number(1_000_000, 9_999_999)}"}

    def cart(self) -> str:
        """Name a cart."""
        return f"C-{self.number(80_000, 89_999)}"

    def return_id(self) -> str:
        """Name a return."""
        return f"RT-{self.number(7000, 7999)}"

    def asked(self, *wordings: str, by: Person | None = None) -> str:
        """Word a request in one of several ways, in somebody's manner."""
        text = self.pick(wordings)
        greeting, thanks = self.pick(_GREETINGS), self.pick(_THANKS)
        if not greeting and self.chance(0.6):
            text = text[0].upper() + text[1:]
        closing = self._signed(by) if by else thanks
        ended = text.endswith((".", "?", "!")) or not closing.lstrip()[:1].isupper()
        return f"{greeting}{text}{'' if ended else '.'}{closing}"

    def _signed(self, person: Person) -> str:
        return self.pick(
            (
                f" You can reach me at {person.phone}.",
                f" My e-mail is {person.email} if you need it.",
                f" Best, {person.name}",
                f" - {person.name}, {person.email}",
            )
        )


def found(*products: Product, gone: Product | None = None) -> JsonObject:
    """Spell what search_products tells; what is gone is listed all the same, and first."""
    results: list[JsonValue] = [
        {
            "product_id": product.id,
            "name": product.name,
            "price": product.price,
            "rating": product.rating,
            "status": "discontinued" if product == gone else "available",
        }
        for product in ([gone, *products] if gone else products)
    ]
    return {"results": results}


def shown(product: Product, **further: JsonValue) -> JsonObject:
    """Spell what get_product tells."""
    told: JsonObject = {"product_id": product.id, "name": product.name, "price": product.price}
    return {**told, **product.facts, "status": "available", **further}


def articles(*pages: Article, **further: JsonValue) -> JsonObject:
    """Spell what search_help_articles tells; scores fall, as they do."""
    told: list[JsonValue] = [
        {"article_id": page.id, "title": page.title, "text": page.text, "score": round(0.91 - 0.17 * at, 2)}
        for at, page in enumerate(pages)
    ]
    return {"articles": told, **further}


def dollars(amount: float) -> str:
    """Spell a price as people do."""
    return f"${amount:.2f}".removesuffix(".00")
