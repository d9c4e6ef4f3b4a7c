"""Street addresses and postcodes in free text.

An anchor says that there is an address: a numbered street, a unit, a box, what
is said in front of it. From there it grows to both sides over what addresses
are made of: numbers, capitalised words, units, states, postcodes.
"""

import re
from collections.abc import Iterator

from shared.redaction.casing import is_caseless, with_capitals
from shared.redaction.kinds import Found, Kind
from shared.redaction.linear import CAPITAL, IN_WORD, Linear, any_pattern
from shared.redaction.names import listed_names
from shared.redaction.words import NATIONS, STARTERS, words

_LONGEST = 200
_LEFT = 80
# Capitals as RE2 knows them; words in between that street names are joined by.
_NAME = rf"{CAPITAL}(?:{IN_WORD}|\.)*"
_LINK = r"(?:de|del|della|der|den|des|di|do|dos|da|du|la|le|les|los|las|el|y|van|von|zum|zur|am|an|of|the|i)"
_NAMES = rf"(?:{_NAME} |{_LINK} ){{0,4}}"
_TYPES = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace"
    r"|Ter|Parkway"
    r"|Pkwy|Highway|Hwy|Way|Circle|Cir|Crescent|Close|Alley|Trail|Trl|Loop|Mall|Gateway|Grove|Gardens"
    r"|Heights|Hill|Mews"
    r"|Row|Walk|Quay|Pass|Path|Plaza|Pike|Ridge|Turnpike|Esplanade|Parade|Courts|Streets|Roads|Avenues"
    r"|Causeway|Bypass"
    r"|Freeway|Expressway|Motorway|Cove|Bend|Glen|Hollow|Crossing|Point|Landing|Vista"
    # Of the suffixes of the US Postal Service (Publication 28, C1) those that mean little else.
    r"|Arcade|Bayou|Bluffs?|Brooks?|Burgs?|Cliffs?|Coves|Creek|Crest|Crossroads?|Dale|Dam|Falls?|Ferry|Fords?"
    r"|Forges?|Glens|Groves|Harbors?|Haven|Highways|Hills|Inlet|Isle|Junctions?|Knolls?|Manors?|Meadows?"
    r"|Mills?|Motorways|Neck|Orchard|Oval|Overpass|Parkways|Passage|Pines?|Plains?|Prairie|Ramp|Ranch|Rapids?|Ridges"
    r"|Rue|Shoals?|Shores?|Skyway|Springs?|Stravenue|Throughway|Trafficway|Trails|Underpass|Valleys?|Viaduct"
    r"|Ville"
    r"|Strasse|Straße|Str|Weg|Gasse|Platz|Allee|Allé|Ring|Damm|Ufer|Chaussee|Promenade|Terrasse|Vej|Gade|Gata"
    r"|Gatan|Vägen"
    r"|Väg|Plass|Katu|Tie|Utca|Út|Tér|Útja|Körút|Straat|Laan|Plein|Ulica|Ulice|Trg)"
)
_LEADING = (
    r"(?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Pp]lace|[Qq]uai|[Aa]llée|[Cc]hemin|[Ii]mpasse|[Rr]oute|[Cc]alle|C/"
    r"|[Aa]venida|Avda\.?"
    r"|[Pp]laza|[Pp]aseo|[Cc]arrer|[Cc]arretera|[Cc]amino|[Tt]ravesía|[Vv]ia|[Vv]iale|[Pp]iazza|[Cc]orso"
    r"|[Vv]icolo|[Ss]trada"
    r"|[Ss]tretto|[Ii]ncrocio|[Bb]orgo|[Cc]ontrada|[Rr]otonda|[Pp]iazzale|[Gg]lorieta|[Cc]uesta|[Pp]asaje"
    r"|[Rr]ambla|[Rr]onda|[Vv]ial|[Uu]rbanización|[Aa]lameda|[Cc]allejón|[Pp]asadizo|[Aa]cceso|[Cc]añada"
    r"|[Bb]eco|[Ee]strada|[Rr]odovia|R\.(?: d[aeo]s?)|[Bb]ulevardul|[Aa]leea|[Dd]rumul|[SȘŞsșş]oseaua"
    r"|[Cc]alea|[Ss]plaiul|[Nn]áměstí|[Nn]ábřeží|[Tt]řída|[Oo]s\."
    r"|[Rr]ua|[Tt]ravessa|[Ll]argo|[Pp]raça|[Uu]lica|[Uu]l\.|[Aa]leja|[Aa]l\.|[Pp]l\.|[Tt]rg|[Pp]atak"
    r"|[Ss]trada [Pp]rovinciale)"
)
# These need no number: what follows them is a street.
_NAMED = (
    r"(?:[Rr]ue|[Cc]hemin|[Ii]mpasse|[Cc]alle|[Rr]ua|[Uu]lica|[Uu]l\.|[Aa]leja|[Ss]trada|[Aa]leea"
    r"|[Bb]ulevardul|[Dd]rumul|[SȘŞsșş]oseaua)"
)
# Suffixes of the same list that say nothing but between a number, a family's name and an end.
_OF_A_FAMILY = (
    r"(?:Branch|Bridges?|Camp|Canyons?|Cape|Centers?|Circles|Club|Commons?|Corners?|Course|Curve|Divide"
    r"|Drives|Estates?|Extensions?|Fields?|Flats?|Forest|Forks?|Fort|Garden|Greens?|Islands?|Isle|Keys?"
    r"|Lakes?|Land|Lights?|Loaf|Locks?|Lodge|Mission|Mount|Mountains?|Parks?|Ports?|Radial|Rest|Rivers?"
    r"|Route|Run|Spurs?|Stations?|Stream|Summit|Trace|Track|Tunnel|Unions?|Views?|Villages?|Walks|Wall"
    r"|Ways|Wells?)"
)
_ENDED = (
    rf"{CAPITAL}{IN_WORD}*(?:straße|strasse|str\.|weg|gasse|platz|allee|damm|ufer|steig|stieg|graben|vej"
    rf"|vænget|gade|allé"
    r"|gata|gatan|vägen|gränd|stigen|katu|tie|kuja|polku|straat|laan|plein|kade|gracht|dijk|singel|utca"
    r"|veien|vegen|gaten|dreef|steeg|baan|hof|boulevard|bulevardi"
    r"|-(?:Straße|Strasse|Str\.|Weg|Gasse|Platz|Allee|Damm|Ufer|Ring|Steig|Chaussee|Promenade))"
)
# Streets only where a number stands behind them: names of people end so as well.
_ENDED_BEFORE_A_NUMBER = (
    rf"{CAPITAL}{IN_WORD}*(?:moen|myra|faret|lunden|åsen|haugen|bakken|stien|svingen|tunet|kollen|jordet|grenda"
    r"|toppen)"
)
_UNIT = (
    r"(?:[Aa]pt|[Aa]partment|[Aa]pto|[Ss]uite|[Ss]te|[Uu]nit|[Ff]lat|[Ff]loor|[Bb]ldg|[Bb]uilding|[Rr]oom"
    r"|[Pp]iso|[Ee]scalera"
    r"|[Aa]ppartement|[Aa]ppartamento|[Pp]uerta"
    r"|[Bb]ât(?:iment)?|[Ss]tiege|[Tt]ür|[Ww]ohnung)\.? ?#?\d{1,5}[A-Za-z]?\b"
)
_NUMBER = r"\d{1,6}[A-Za-z]?(?:[-/]\d{1,4}[A-Za-z]?)?(?: (?:bis|ter|quater)\b)?"
# A unit alone may be anything, `Suite 2` of a test: it is one beside a number, a comma or a line's end.
_ANCHORS = Linear(
    rf"(?P<box>\b(?:PSC|Psc|CMR|Cmr|[Uu]nit) \d{{1,5}},? [Bb]ox \d{{1,5}}|\b[Pp]\.? ?[Oo]\.? ?[Bb]ox "
    rf"\d{{1,6}}"
    rf"|\b(?:(?:USS|USNS|USCGC|HMS|Uss|Usns|Uscgc|Hms) {_NAME},?\s)?(?:APO|FPO|DPO|Apo|Fpo|Dpo),? (?:AA|AE"
    rf"|AP|Aa|Ae|Ap) \d{{5}}|\b(?:Postfach|Apartado|BP) \d{{2,6}})"
    rf"|(?P<street>\b{_NUMBER},? (?:{_NUMBER} )?{_NAMES}{_NAME} {_TYPES}\b\.?"
    rf"|\b(?:{_NAME} ){{1,3}}{_TYPES}\.? \d{{1,5}}[A-Za-z]?\b"
    rf"|\b{_NUMBER},? {_LEADING} {_NAMES}{_NAME}|\b{_LEADING} {_NAMES}{_NAME},? (?:[Nn][ºo°r.]{{1,2}} "
    rf"?)?\d{{1,5}}[A-Za-z]?\b"
    rf"|\b{_ENDED_BEFORE_A_NUMBER} \d{{1,5}}[A-Za-z]?\b"
    rf"|(?:{_NAME} )?{_ENDED} \d{{1,5}}[A-Za-z]?\b|\b{_NUMBER},? {_ENDED}\b"
    rf"|\b{_NAMES}{_NAME} (?:[uú]|utca|út|tér|ul|kapu|sok|vej|gade)\.? \d{{1,5}}\b)"
    rf"|(?P<numbered>\b\d{{1,6}} (?:{_NAME} |{_LINK} ){{1,5}}\d{{1,5}}[A-Za-z]?\b)"
    rf"|(?P<family>\b\d{{1,6}}(?:/\d{{1,4}})? {_NAME} {_OF_A_FAMILY}\b)"
    rf"|(?P<named>\b{_NAMED} (?:(?:d[aeiou]|del|dell[ao]|des|la|le|les|los|las) ){{0,3}}{_NAME})"
    rf"|(?P<unit>\b{_UNIT})"
    r"|(?P<corner>\b[Tt]he [Cc]orner [Oo]f |\b[Cc]orner [Oo]f )"
)
_CUED = Linear(
    r"(?i)\b(?:(?:street |home |mailing |shipping |billing |delivery |work |office |postal |current |new "
    r")?address(?:es)?(?: (?:is|to|as|was|will be|of [^\n:]{2,30}? is))?"
    r"|addresse?|adresse(?: (?:ist|est|lautet))?|anschrift(?: ist)?|dirección(?: es)?|direccion(?: es)?"
    r"|domicilio(?: es)?"
    r"|(?:is |are |am |located |based |situated )(?:located |based |situated )?(?:at|on)|liv(?:e|es|ed"
    r"|ing) (?:at|in|on)|lives? (?:on|at) the \w{4,6} side of|resid(?:e|es|ing) (?:at|in)"
    r"|(?:deliver|delivered|send|sent|ship|shipped|mail|mailed|return|returned|come|go|went|moved|move"
    r"|drive|drove) (?:it |them |this |me |us |a new one )?to|(?:meet|meeting|meet you|meet me|met) (?:me "
    r"|you |us )?(?:at|on)"
    r"|arrived at|stop at|enter (?:on|at)|side of|wohne? in|wohnhaft in|habite(?: au)?|vivo en|resido en"
    r"|demeurant(?: au)?)[ :,]{1,3}\s{0,4}"
)
_AFTER_CUE = re.compile(
    r"(?:[Tt]he [Cc]orner [Oo]f )?(?:\d{1,6}[A-Za-z]?[ "
    r",]{1,2})?(?:(?:[^\W\d_a-zß-öø-ÿ][^\W\d_]*['’.-]?[^\W\d_]*|de|del|di|da|du|la|le|los|van|von|der|am|u"
    r"|ul|utca|út|tér|kapu|and|y|og|och|ja)\.?[ ]){1,6}\d{1,5}[A-Za-z]?\b\.?"
)
# The states that a postcode may follow alone, and those that it follows in a whole address.
_STATES = (
    "AL AK AS AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MO MS MT NE NV NH NJ NM NY "
    "NC ND OH OK OR PA PR RI SC SD TN TX UT VT VA VI WA WV WI WY"
)
_ZIP = Linear(
    r"(?i:\b(?:zip(?: ?code)?|post(?:al)? ?code|postleitzahl|plz|code postal|código postal|codigo postal"
    r"|c\.p\.)(?:(?: is| ist| est| es| #)?:?\s{1,3}|[:=]))"
    r"(\d{3,6}(?:[- ]\d{2,4})?|\d\d-\d{3}|[A-Za-z]{1,2}\d[A-Za-z\d]? ?\d[A-Za-z]{2}|[A-Za-z]\d[A-Za-z][ "
    r"-]?\d[A-Za-z]\d)\b"
    rf"|\b((?:{'|'.join(_STATES.split())}),? \d{{5}}(?:-\d{{4}})?)\b"
    r"|\b([A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2})\b|\b([ABCEGHJ-NPRSTVXY]\d[A-Z] \d[A-Z]\d)\b|\b((?:D"
    r"|F|E|A|CH|B|NL|I)-\d{4,5})\b"
)
# A number and a name are a street whatever its kind, where a place and its code follow; on the
# continent the number stands behind the name, and the code before the place.
_FURTHER_STATES = "FM GU MH MP PW AA AE AP"
_STATE = "(?:" + "|".join(f"{one}|{one.title()}" for one in f"{_STATES} {_FURTHER_STATES}".split()) + ")"
_STATE_NAME = (
    "(?:Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii"
    "|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan"
    "|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|New Mexico"
    "|New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island"
    "|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington|West Virginia"
    "|Wisconsin|Wyoming)"
)
_AUSTRALIAN = r"(?:NSW|VIC|QLD|WA|SA|TAS|ACT|NT|Nsw|Vic|Qld|Wa|Sa|Tas|Act|Nt) \d{4}"
# Small letters of Latin in one stretch, which holds capitals too: all of Unicode's are long to compile.
_SMALL_WORD = r"[a-z\x{df}-\x{17e}]{3,12}"
_FLOOR = r"\d{1,2}[º.ª]?(?: ?(?:[A-Z]|[Dd]to|[Ee]sq|tv|th|mf)\b\.?)?|int\. \d{1,3}"
_CODED = Linear(
    rf"\b(?P<road>(?:[Uu]nit |[Ff]lat )?{_NUMBER} (?:{_NAME} |{_LINK} ){{0,4}}{_NAME})"
    rf"(?:,? ?(?:#\d{{1,5}}|{_UNIT}))?(?:,|\s?\n)\s{{0,3}}(?:{_NAME}[ ,\n]{{1,2}}){{1,5}}"
    rf"(?:(?:{_STATE}|{_STATE_NAME}) \d{{5}}(?:-\d{{4}})?|{_AUSTRALIAN}"
    r"|[A-Z][A-Za-z]?\d[A-Za-z\d]? ?\d[A-Za-z]{2})\b"
    rf"|\b(?P<way>(?:{_NAME} |{_LINK} ){{0,5}}{_NAME}(?: {_SMALL_WORD})?,? "
    r"\d{1,4}(?:[ /-]?[A-Za-z0-9]{1,4})?(?: \d{1,3})?)"
    rf"(?:,? (?:{_FLOOR}))?(?: \d{{4}} ?[A-Z]{{2}} {_NAME}|(?:,|\s?\n)\s{{0,3}}"
    r"(?:(?:[A-Z]{1,2}-)?(?P<code>\d{4} ?[A-Z]{2}|\d{4}-\d{3}|\d{2}[- ]\d{3}|\d{3} \d{2}|\d{4,5}) "
    rf"(?P<place>{_NAME})(?: \([A-Z]{{2}}\))?|(?:{_NAME} ){{1,4}}- [A-Z]{{2}},? \d{{5}}-?\d{{3}}\b))"
    rf"|\b(?P<town>(?:[A-Z]{{1,2}}-)?\d{{4}} {_NAME}(?:,|\s?\n| )\s{{0,3}}"
    rf"(?:{_NAME} (?:{_SMALL_WORD} )?){{1,3}})"
    r"(?:utca|útja|út|tér|krt|köz|u)\.? \d{1,4}(?:\. \d{1,2}/\d{1,3}|\b)"
)
# A line of a form; the line `Address:` has its own cue.
_FIELD = Linear(
    r"(?im)^[ \t>*-]{0,4}(?:street(?: name| address)?|straße|strasse|indirizzo|calle|rue|ulica)[*]{0,2} ?:"
    r"[*]{0,2} {0,3}([^\n:=<>{}\[\]\"]{4,60})$"
)
_YEAR = re.compile(r"(?:19|20)\d\d$")
# What is counted stands where a place would.
_NO_PLACES = STARTERS | words(
    "tokens seats steps errors iterations connections rows items points dollars euros users miles requests "
    "calls messages files bytes lines pages words departure departures arrival arrivals passengers units "
    "customers sessions records samples epochs parameters credits votes views views hits tests events jobs "
    "times hours minutes seconds days weeks months years percent mb gb kb ms usd eur gbp edition"
)
# One scan clears most texts.
_HINT = any_pattern(*(one.pattern for one in (_ANCHORS, _CUED, _FIELD, _ZIP, _CODED)))
# What goes on on the right: each piece begins with what parts it from the one before.
_PART = r"(?:[ \t\u00a0]{0,4},?[ \t]{0,3}(?:\r?\n[>?|*# \t]{0,8},?[ \t]{0,3})?)"
_TAIL_UNIT = re.compile(
    rf"{_PART}(?:{_UNIT}|[Pp]\.? ?[Oo]\.? ?[Bb]ox \d{{1,6}}\b"
    rf"|(?<=[ ,])#\d{{1,5}}[A-Za-z]?\b|(?<=[\s,])[Tt]he Netherlands\b)"
)
_TAIL_NUMBER = re.compile(rf"{_PART}(?<=[\s,])\d{{1,6}}[A-Za-z]?(?:-\d{{1,5}})?\b(?![.:]\d)")
# `Dorfgasse 4/12`: the door behind the house.
_TAIL_DOOR = re.compile(r"(?<=\d)[/-]\d{1,3}[A-Za-z]?(?![\w/-])")
# A stop behind a house's number, as Hungarians write it, ends no sentence where a code opens the next line.
_TAIL_CODE = re.compile(
    rf"\.{_PART}(?<=\n)[A-Z]{{1,2}}-\d{{4,5}}\b"
    rf"|{_PART}(?<=[\s,])(?:[A-Z]{{1,2}}-\d{{4,5}}\b|\d{{4}} ?[A-Z]{{2}}\b"
    r"|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}|[A-Z]\d[A-Z] \d[A-Z]\d|[A-Z]{2,3}(?![\w]))"
)
# What stands for a missing state, between a city and a postcode.
_TAIL_SHORT = re.compile(rf"{_PART}(?<=[\s,])[a-z]{{2,3}}(?=\n? {{0,2}}\d{{4,6}}\b)")
_TAIL_WORD = re.compile(
    rf"{_PART}(?<=[\s,])(?P<word>[^\W\d_][^\W\d_'’-]*(?:['’-][^\W\d_]+)*)(?P<dot>\.?)(?: "
    rf"\([^\W\d_]{{2,20}}\))?"
)
_AND = re.compile(r" (?:and|und|et|y|&) (?=[^\W\d_a-zß-öø-ÿ]|[^\W\d_]+ [^\W\d_]+ (?:st|ave))")
_OTHER_STREET = re.compile(r"\.?(?: [Ss]t\.)? [Aa]nd (?=[^\W\d_]|\d)")
_BACK = re.compile(r"(?:[^\W_][^\W_'’]*(?:['’-][^\W_]+)*\.?)[ ,]{0,2}$")
_LINE_ABOVE = re.compile(r"(?:^|\n)[>?|*# \t]{0,8}([^\n]{3,60}?)[ \t,]{0,3}\n[>?|*# \t]{0,8}$")
_SMALL = words(
    "de del della der den des di do dos da du la le les los las el an op bei sur sous en aan upon y van von "
    "zum zur am rue via u ul st avenue chemin impasse calle rua ulica aleja strada aleea bulevardul drumul"
)
_ROAD = re.compile(r"[^\W\d_]{3}[^\n]*\d|\d[^\n]*[^\W\d_]{3}")
_MOST_WORDS = 6
_SHORTEST_STREET = 4
_TELLING = Linear(rf"\d|orner of|\b{_NAMED} ", never_capture=True)


def find_addresses(text: str) -> Iterator[Found]:
    """Find addresses whole, and postcodes that are told as such."""
    if not _TELLING.is_in(text):
        return
    caseless = is_caseless(text)
    text = with_capitals(text) if caseless else text
    if not _HINT.is_in(text):
        return
    for found in _anchored(text):
        yield _without_stop(found, text)
    yield from _coded(text, caseless=caseless)
    for match in _CUED.finditer(text):
        if (told := _AFTER_CUE.match(text, match.end())) and not _is_no_street(told.group()):
            yield _without_stop(Found(told.start(), _right(text, told.end()), Kind.ADDRESS, "cue"), text)
    for match in _FIELD.finditer(text):
        if _ROAD.search(match.group(1)):
            yield Found(*match.span(1), Kind.ADDRESS, "field")
    for match in _ZIP.finditer(text):
        group = next(at for at in range(1, 6) if match.group(at))
        yield Found(match.start(group), match.end(group), Kind.POSTCODE, "postcode")


def _coded(text: str, *, caseless: bool) -> Iterator[Found]:
    for match in _CODED.finditer(text):
        way = match.group("way")
        street = match.group("road") or way or match.group("town")
        place, code = (match.group("place") or "").rstrip(".").lower(), match.group("code") or ""
        # `May 5, 2024 Flights` and `GPT 4, 8192 Tokens` have the form of a street and a place; so have
        # many words where every word got a capital.
        counted = place in _NO_PLACES or _YEAR.match(code) or (caseless and way)
        if not counted and not _is_no_street(street):
            yield Found(match.start(), _right(text, match.end()), Kind.ADDRESS, "coded")


def _without_stop(found: Found, text: str) -> Found:
    """Leave the sentence its full stop."""
    return found._replace(end=found.end - 1) if text[found.end - 1] == "." else found


def _anchored(text: str) -> Iterator[Found]:
    at = 0
    for match in _ANCHORS.finditer(text):
        rule = match.lastgroup or ""
        if match.start() < at or (rule in ("street", "numbered", "named") and _is_no_street(match.group())):
            continue
        if rule == "family" and not _is_of_a_family(match.group()):
            continue
        start, end = _grown(text, match.start(), match.end(), rule)
        at = end
        if rule == "unit" and not _has_a_street(text[start:end]):
            continue
        if rule == "corner":
            if end - match.end() < _SHORTEST_STREET:
                continue
            if other := _OTHER_STREET.match(text, end):
                end = _right(text, other.end())
        yield Found(start, end, Kind.ADDRESS, rule)


def _is_no_street(spelled: str) -> bool:
    """Dates, counts and codes stand between numbers too."""
    words = [word.strip(".,").lower() for word in spelled.split() if not word[0].isdigit()]
    named = [word for word in words if word not in STARTERS and word not in _SMALL]
    return not named or words[0] in _NO_STREETS or words[-1] in _NO_STREETS


_NO_STREETS = words(
    "january february march april may june july august september october november december jan feb mar apr "
    "jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday flight "
    "flights passenger passengers adult adults ticket tickets item items step steps page pages usd eur gbp "
    "bags bag order orders version am pm est and or x chapter section table figure row seat gate room line "
    "level day week phase article rule error code status"
)


def _is_of_a_family(spelled: str) -> bool:
    """Tell `2749 Marlow Islands` from `300 Page Views` and `2024 Budget Summit`."""
    number, name, _ = spelled.split(" ")
    return name in listed_names().family and name.lower() not in STARTERS and not _YEAR.match(number)


def _has_a_street(spelled: str) -> bool:
    """A unit is part of an address where a name and a second number stand beside it."""
    return (
        len(re.findall(r"\d+", spelled)) > 1
        and re.search(r"[^\W\d_]{4,}[^\n]{0,40}\d|\d[^\n]{0,40}[^\W\d_]{4,}", spelled) is not None
    )


def _grown(text: str, start: int, end: int, rule: str) -> tuple[int, int]:
    end = _right(text, end)
    if rule in ("unit", "street", "numbered", "family", "box"):
        start = _left(text, start, crossing=rule == "unit")
    return start, end


def _left(text: str, start: int, *, crossing: bool) -> int:
    """Grow to the left as far as a number, over capitalised words; a unit also over the line above it."""
    floor = max(0, start - _LEFT)
    above = _LINE_ABOVE.search(text, floor, start) if crossing else None
    if above and any(map(str.isdigit, above[1])) and _is_address_line(above[1]):
        return above.start(1)
    best = at = start
    for _ in range(_MOST_WORDS):
        before = _BACK.search(text, floor, at)
        if before is None:
            break
        word = before.group().strip(" ,.")
        low = word.lower()
        if not (word[0].isdigit() or word[0].isupper() or low in _SMALL) or (
            low in STARTERS and word[0].islower()
        ):
            break
        if low in STARTERS or low in NATIONS:
            break
        at = before.start()
        if word[0].isdigit():
            best = at
    return best if best < start or not crossing else at


def _is_address_line(line: str) -> bool:
    words = [word.strip(".,") for word in line.split()]
    if words[0][:1].isdigit() and len(words) <= _MOST_WORDS:
        return True
    return all(not word or word[0].isdigit() or word[0].isupper() or word.lower() in _SMALL for word in words)


def _right(text: str, end: int) -> int:
    """Grow to the right over units, numbers, places and postcodes."""
    limit, words = min(len(text), end + _LONGEST), 0
    while end < limit:
        if piece := (
            _TAIL_DOOR.match(text, end, limit)
            or _TAIL_UNIT.match(text, end, limit)
            or _TAIL_NUMBER.match(text, end, limit)
            or _TAIL_CODE.match(text, end, limit)
            or _TAIL_SHORT.match(text, end, limit)
        ):
            end, words = piece.end(), 0
            continue
        if joined := _AND.match(text, end, limit):
            end = joined.end() - 1
        word = _TAIL_WORD.match(text, end, limit)
        if word is None:
            break
        spelled, low = word["word"], word["word"].lower()
        if (
            not (spelled[0].isupper() or low in _SMALL)
            or low in STARTERS - _PLACE_WORDS
            or words >= _MOST_WORDS
        ):
            break
        if spelled[0].isupper():
            end = word.end("word")
            words += 1
            if word.end() > word.end("dot"):
                end = word.end()
            if word["dot"] and len(spelled) >= _SHORTEST_STREET:
                break
        elif (
            _TAIL_WORD.match(text, word.end(), limit)
            and text[word.end() : word.end() + 2].strip()[:1].isupper()
        ):
            end = word.end()
        else:
            break
    return end


_PLACE_WORDS = words(
    "north south east west new great old city town st san los port united state center street road way "
    "place country"
)
