"""The made-up shop: what it sells, and who asks."""

from typing import NamedTuple


class Product(NamedTuple):
    """One thing in the catalogue; `praise` is what a true sentence says of it."""

    id: str
    name: str
    price: float
    rating: float
    facts: dict[str, float | str]
    praise: str


class Category(NamedTuple):
    """Products that answer the same wish, and one that would have but is sold no more."""

    noun: str
    query: str
    needs: tuple[str, ...]
    sold: tuple[Product, ...]
    gone: Product
    invented: tuple[str, ...]


class Person(NamedTuple):
    """Somebody who does not exist: addresses, numbers and cards are of the ranges kept for that."""

    id: str
    name: str
    email: str
    phone: str
    address: str
    postal_code: str
    city: str
    card: str


CATEGORIES = (
    Category(
        "backpack",
        "hiking backpack 35-45 litres",
        ("weekend hikes", "three days in the hills", "hut-to-hut walks"),
        (
            Product(
                *("P-2077", "Tarnwick Cairn 38", 96.0, 4.5),
                {"volume_l": 38, "weight_g": 1240, "back": "ventilated"},
                "38 litres, a ventilated back and a rain cover",
            ),
            Product(
                *("P-2090", "Brackley Ridge 45", 118.0, 4.4),
                {"volume_l": 45, "weight_g": 1410, "back": "adjustable"},
                "45 litres and a back that adjusts to your height",
            ),
        ),
        Product(
            *("P-2041", "Tarnwick Fernhill 40", 89.0, 4.8),
            {"volume_l": 40, "weight_g": 1180, "back": "fixed"},
            "40 litres, hip belt pockets and a rain cover",
        ),
        ("It comes with a free drinking bladder.", "It is waterproof to five metres."),
    ),
    Category(
        "two-person tent",
        "tent two persons three season",
        ("late autumn by the sea", "a cycling tour", "our first camping trip"),
        (
            Product(
                *("P-3318", "Moorhen Lapwing 2", 249.0, 4.6),
                {"sleeps": 2, "weight_g": 1980, "wind_rating_kmh": 80},
                "two can sleep in it, it stands winds of 80 km/h and weighs just under 2 kg",
            ),
            Product(
                *("P-3341", "Brackley Family Dome", 299.0, 4.3),
                {"sleeps": 4, "weight_g": 7400, "wind_rating_kmh": 60},
                "room for four, so two have plenty, and it stands in ten minutes",
            ),
        ),
        Product(
            *("P-3305", "Tarnwick Stillwater Tent", 279.0, 4.7),
            {"sleeps": 2, "weight_g": 1690, "wind_rating_kmh": 95},
            "it sleeps two, weighs 1.7 kg and stands winds of 95 km/h",
        ),
        ("It has a ten-year warranty.", "The ground sheet is heated."),
    ),
    Category(
        "gooseneck kettle",
        "gooseneck kettle pour over",
        ("pour-over coffee", "a friend who is fussy about tea", "a small kitchen"),
        (
            Product(
                *("P-5133", "Hearthby Variable Gooseneck", 82.0, 4.6),
                {"capacity_l": 1.0, "temperature_hold": "yes"},
                "one litre, and it holds the temperature you set",
            ),
            Product(
                *("P-5140", "Ollivane Morning Kettle", 58.5, 4.2),
                {"capacity_l": 0.8, "temperature_hold": "no"},
                "0.8 litres, a slow even pour and a light handle",
            ),
        ),
        Product(
            *("P-5120", "Ollivane Slowpour Kettle", 74.5, 4.7),
            {"capacity_l": 0.9, "temperature_hold": "yes"},
            "0.9 litres, exact to a degree, in matte black or oat",
        ),
        ("It brews the coffee by itself.", "It has a lifetime guarantee."),
    ),
    Category(
        "rain jacket",
        "rain jacket breathable",
        ("commuting by bike", "a wet week in Scotland", "dog walks"),
        (
            Product(
                *("P-1830", "Moorhen Drizzle Jacket", 118.0, 4.4),
                {"water_column_mm": 15000, "weight_g": 390},
                "a 15,000 mm water column, under 400 g, and vents under the arms",
            ),
            Product(
                *("P-1844", "Tarnwick Squall Shell", 164.0, 4.6),
                {"water_column_mm": 20000, "weight_g": 450},
                "20,000 mm, taped seams and a hood that fits over a helmet",
            ),
        ),
        Product(
            *("P-1815", "Brackley Mist Anorak", 99.0, 4.5),
            {"water_column_mm": 10000, "weight_g": 330},
            "10,000 mm, 330 g, and it folds into its own pocket",
        ),
        ("It is fireproof.", "A spare jacket is in the box."),
    ),
    Category(
        "pair of earbuds",
        "earbuds noise cancelling",
        ("long train rides", "an open-plan office", "running"),
        (
            Product(
                *("P-4402", "Quillon Hush Mini", 64.9, 4.3),
                {"battery_h": 7, "noise_cancelling": "yes"},
                "seven hours on one charge and noise cancelling that works on trains",
            ),
            Product(
                *("P-4419", "Quillon Stride", 79.9, 4.5),
                {"battery_h": 9, "noise_cancelling": "no"},
                "nine hours, and hooks that stay put when you run",
            ),
        ),
        Product(
            *("P-4388", "Averly Pebble Buds", 59.0, 4.6),
            {"battery_h": 8, "noise_cancelling": "yes"},
            "eight hours and the lightest buds we have listed",
        ),
        ("They translate forty languages.", "They never need charging."),
    ),
    Category(
        "dutch oven",
        "dutch oven cast iron",
        ("sourdough bread", "stews for six", "a wedding present"),
        (
            Product(
                *("P-5288", "Hearthby Dutch Oven 6 qt", 129.0, 4.7),
                {"volume_qt": 6, "weight_g": 6300},
                "six quarts, and it goes from the hob into the oven",
            ),
            Product(
                *("P-5291", "Hearthby Dutch Oven 4 qt", 104.0, 4.5),
                {"volume_qt": 4, "weight_g": 4700},
                "four quarts, enough for a loaf or a stew for three",
            ),
        ),
        Product(
            *("P-5270", "Ollivane Cast Cocotte", 149.0, 4.8),
            {"volume_qt": 5, "weight_g": 5600},
            "five quarts and an enamel that takes 500 degrees",
        ),
        ("It weighs less than a kilo.", "It comes with a cooking class."),
    ),
    Category(
        "sleeping bag",
        "sleeping bag three season",
        ("nights around freezing", "a festival", "my son's scout camp"),
        (
            Product(
                *("P-3502", "Tarnwick Dormouse 0", 139.0, 4.5),
                {"comfort_c": 0, "weight_g": 1150},
                "comfortable down to freezing, and a little over 1.1 kg",
            ),
            Product(
                *("P-3511", "Moorhen Nest Light", 89.0, 4.2),
                {"comfort_c": 8, "weight_g": 820},
                "good down to 8 degrees, and it packs as small as a loaf",
            ),
        ),
        Product(
            *("P-3490", "Brackley Burrow", 119.0, 4.6),
            {"comfort_c": -3, "weight_g": 1390},
            "comfortable at three below, with a collar that keeps draughts out",
        ),
        ("It inflates by itself.", "It is rated for Everest."),
    ),
)

FIRST_NAMES = (
    *("Jonah", "Anneke", "Greta", "Harold", "Cecily", "Philippa", "Tobias", "Marisol", "Dmitri", "Yusuf"),
    *("Ingrid", "Rosalind", "Kwame", "Beatriz", "Linus", "Odette", "Ravi", "Hanna", "Callum", "Noor"),
)
LAST_NAMES = (
    *("Sprague", "Polasky", "Vandermolen", "Ibsworth", "Northcutt", "Quarles", "Ostberg", "Villareal"),
    *("Karsavin", "Haddad", "Thornquist", "Ashdown", "Mensahl", "Carvalho", "Fennimore", "Delacourt"),
    *("Chandran", "Lindqvist", "MacAllan", "Rahmani"),
)
STREETS = (
    *("Wharf Road", "Magnolia Crescent", "Tulip Avenue", "Millstone Lane", "Orchard Street"),
    *("Kestrel Drive", "Harbour View", "Juniper Court", "Old Quarry Road", "Larkspur Way"),
)
PLACES = (
    *(
        ("Rockland", "ME", "04841", "207"),
        ("Durham", "NC", "27701", "919"),
        ("Holland", "MI", "49423", "616"),
    ),
    *(("El Paso", "TX", "79901", "915"), ("New Orleans", "LA", "70117", "504")),
    *(("Duluth", "MN", "55802", "218"), ("Eugene", "OR", "97401", "541"), ("Ithaca", "NY", "14850", "607")),
)
MAIL_HOSTS = ("example.com", "example.org", "example.net")
# The numbers that payment services publish for tests.
CARDS = ("4242 4242 4242 4242", "4111 1111 1111 1111", "5555 5555 5555 4444", "3782 822463 10005")
CARRIERS = (("Swiftline", "SWL"), ("Parcelwren", "PWN"), ("Northgate Freight", "NGF"))
CHANNELS = ("ios", "android", "web")
# Networks that documentation may use and nobody has.
NETWORKS = ("203.0.113", "198.51.100", "192.0.2")

SYSTEM_PROMPT = (
    "You are the assistant of the Larkbasket online shop. Be friendly and brief, and answer in the language "
    "of the customer.\n"
    "Recommend products from our catalogue only and name them exactly as the catalogue does.\n"
    "Look orders up with get_order before you talk about them, and talk about a customer's own orders only.\n"
    "Change an order, a return or a cart only when the customer has asked for it.\n"
    "When you answer from a help page, name it in brackets: [KB-118].\n"
    "Returns: 30 days, unused items; use create_return to open one.\n"
    "One discount code per order. Prices are in US dollars."
)
