"""What addresses are made of and how they are told: kinds of streets, units, postcodes, cues."""

import re

from shared.redaction.linear import CAPITAL, IN_WORD, Linear, any_pattern

# Capitals as RE2 knows them; words in between that street names are joined by.
_NAME = rf"{CAPITAL}(?:{IN_WORD}|\.)*"
_LINK = (
    r"(?:de|del|della|der|den|des|di|do|dos|da|das|du|la|le|les|los|las|el|y|van|von|zum|zur|am|an|of|the|i)"
)
_ORDINAL = r"\d{1,3}(?:st|nd|rd|th)"
_NAMES = rf"(?:{_NAME} |{_LINK} |{_ORDINAL} ){{0,4}}"
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
    r"|Väg|Plass|Katu|Tie|Utca|Út|Tér|Útja|Körút|Straat|Laan|Plein|Ulica|Ulice|Trg"
    r"|Marg|Nagar|Salai|Chowk)"
)
_LEADING = (
    r"(?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Pp]lace|[Qq]uai|[Aa]llée|[Cc]hemin|[Ii]mpasse|[Rr]oute|[Cc]alle|C/"
    r"|[Aa]venida|Avda\.?"
    r"|[Pp]laza|[Pp]aseo|[Cc]arrer|[Cc]arretera|[Cc]amino|[Tt]ravesía|Via|[Vv]iale|[Pp]iazza|[Cc]orso"
    r"|[Vv]icolo|[Ss]trada"
    r"|[Ss]tretto|[Ii]ncrocio|[Bb]orgo|[Cc]ontrada|[Rr]otonda|[Pp]iazzale|[Gg]lorieta"
    r"|[Rr]ambla|[Uu]rbanización|[Aa]lameda|[Cc]allejón|[Pp]asadizo|[Cc]añada"
    r"|[Bb]eco|[Ee]strada|[Rr]odovia|(?:Acceso|[Rr]onda|Vial|[Pp]asaje|[Cc]uesta) de(?: la| los| las|l)?"
    r"|[Bb]ulevardul|[Aa]leea|[Dd]rumul|[SȘŞsșş]oseaua"
    r"|[Cc]alea|[Ss]plaiul|[Nn]áměstí|[Nn]ábřeží|[Tt]řída"
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
    r"|-d[oō]ri|veien|vegen|gaten|dreef|steeg|baan|hof|boulevard|bulevardi"
    r"|-(?:Straße|Strasse|Str\.|Weg|Gasse|Platz|Allee|Damm|Ufer|Ring|Steig|Chaussee|Promenade))"
)
# Streets only where a number stands behind them: names of people end so as well.
_ENDED_BEFORE_A_NUMBER = (
    rf"{CAPITAL}{IN_WORD}*(?:moen|faret|lunden|åsen|haugen|bakken|svingen|tunet|kollen|jordet|grenda"
    r"|toppen)"
)
UNIT = (
    r"(?:[Aa]pt|[Aa]partment|[Aa]pto|[Ss]uite|[Ss]te|[Uu]nit|[Ff]lat|[Ff]loor|[Bb]ldg|[Bb]uilding|[Rr]oom"
    r"|[Pp]iso|[Ee]scalera"
    r"|[Aa]ppartement|[Aa]ppartamento|[Pp]uerta"
    r"|[Bb]ât(?:iment)?|[Ss]tiege|[Tt]ür|[Ww]ohnung)\.? ?#?\d{1,5}[A-Za-z]?\b"
)
_NUMBER = r"\d{1,6}[A-Za-z]?(?:[-/]\d{1,4}[A-Za-z]?)?(?: (?:bis|ter|quater)\b)?"
# A unit alone may be anything, `Suite 2` of a test: it is one beside a number, a comma or a line's end.
ANCHORS = Linear(
    rf"(?P<box>\b(?:PSC|Psc|CMR|Cmr|[Uu]nit) \d{{1,5}},? [Bb]ox \d{{1,5}}|\b[Pp]\.? ?[Oo]\.? ?[Bb]ox "
    rf"\d{{1,6}}"
    rf"|\b(?:(?:USS|USNS|USCGC|HMS|Uss|Usns|Uscgc|Hms) {_NAME},?\s)?(?:APO|FPO|DPO|Apo|Fpo|Dpo),? (?:AA|AE"
    rf"|AP|Aa|Ae|Ap) \d{{5}}|\b(?:Postfach|Apartado|BP) \d{{2,6}})"
    rf"|(?P<street>\b{_NUMBER},? (?:{_NUMBER} )?{_NAMES}{_NAME} {_TYPES}\b\.?"
    rf"|\b{_NUMBER},? {_NAMES}{_ORDINAL} (?:Street|St|Avenue|Ave|Road|Rd|Drive|Dr|Lane|Ln|Court"
    r"|Ct|Terrace|Blvd)\b\.?"
    rf"|\b(?:{_NAME} ){{1,3}}{_TYPES}\.? \d{{1,5}}[A-Za-z]?\b"
    rf"|\b{_NUMBER},? {_LEADING} {_NAMES}{_NAME}|\b{_LEADING} {_NAMES}{_NAME},? (?:[Nn][ºo°r.]{{1,2}} "
    rf"?)?\d{{1,5}}[A-Za-z]?\b"
    rf"|\b(?:{_NAME} )?{_ENDED_BEFORE_A_NUMBER} \d{{1,5}}[A-Za-z]?\b"
    rf"|(?:{_NAME} )?{_ENDED} \d{{1,5}}[A-Za-z]?\b|\b{_NUMBER},? {_ENDED}\b"
    rf"|\b{_NAMES}{_NAME} (?:[uú]|utca|út|tér|ul|kapu|sok|vej|gade|prospekt|ulitsa|rkp|krt|fasor)\.? "
    r"\d{1,5}\b)"
    rf"|(?P<numbered>\b\d{{1,6}} (?:{_NAME} |{_LINK} ){{1,5}}\d{{1,5}}[A-Za-z]?\b)"
    rf"|(?P<family>\b\d{{3,6}} {_NAME} {_OF_A_FAMILY}\b)"
    rf"|(?P<named>\b{_NAMED} (?:(?:d[aeiou]|del|dell[ao]|des|la|le|les|los|las) ){{0,3}}{_NAME})"
    rf"|(?P<unit>\b{UNIT})"
    r"|(?P<corner>\b[Tt]he [Cc]orner [Oo]f |\b[Cc]orner [Oo]f )"
)
CUED = Linear(
    r"(?i)\b(?:(?:street |home |mailing |shipping |billing |delivery |work |office |postal |current |new "
    r")?address(?:es)?(?: (?:is|to|as|was|will be|of [^\n:]{2,30}? is))?"
    r"|addresse?|adresse(?: (?:ist|est|lautet))?|anschrift(?: ist)?|dirección(?: es)?|direccion(?: es)?"
    r"|domicilio(?: es)?"
    r"|(?:is |are |am |located |based |situated )(?:located |based |situated )?(?:at|on)|liv(?:e|es|ed"
    r"|ing) (?:at|in|on)|lives? (?:on|at) the \w{4,6} side of|resid(?:e|es|ing) (?:at|in)"
    r"|(?:deliver|delivered|send|sent|ship|shipped|mail|mailed|return|returned|come|go|went|moved|move"
    r"|drive|drove) (?:it |them |this |me |us |a new one )?to|(?:meet|meeting|meet you|meet me|met) (?:me "
    r"|you |us )?(?:at|on)"
    r"|(?:apartment|flat|house|home|property|villa|cottage|practice|office) (?:is )?at"
    r"|arrived at|stop at|enter (?:on|at)|side of|wohne? in|wohnhaft in|habite(?: au)?|vivo en|resido en"
    r"|demeurant(?: au)?)[ :,]{1,3}\s{0,4}"
)
AFTER_CUE = re.compile(
    r"(?:[Tt]he [Cc]orner [Oo]f )?(?:\d{1,6}[A-Za-z]?[ "
    r",]{1,2})?(?:(?:[^\W\d_a-zß-öø-ÿ][^\W\d_]*['’.-]?[^\W\d_]*|de|del|di|da|du|la|le|los|van|von|der|am|u"
    r"|ul|utca|út|tér|kapu|and|y|og|och|ja)\.?[ ]){1,6}\d{1,5}[A-Za-z]?\b\.?"
)
# The states that a postcode may follow alone, and those that it follows in a whole address.
_STATES = (
    "AL AK AS AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MO MS MT NE NV NH NJ NM NY "
    "NC ND OH OK OR PA PR RI SC SD TN TX UT VT VA VI WA WV WI WY"
)
ZIP = Linear(
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
CODED = Linear(
    rf"\b(?P<road>(?:[Uu]nit |[Ff]lat )?{_NUMBER} (?:{_NAME} |{_LINK} ){{0,4}}{_NAME})"
    rf"(?:,? ?(?:#\d{{1,5}}|{UNIT}))?(?:,|\s?\n)\s{{0,3}}(?:{_NAME}[ ,\n]{{1,2}}){{1,5}}"
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
FIELD = Linear(
    r"(?im)^[ \t>*-]{0,4}(?:street(?: name| address)?|straße|strasse|indirizzo|calle|rue|ulica)[*]{0,2} ?:"
    r"[*]{0,2} {0,3}([^\n:=<>{}\[\]\"]{4,60})$"
)
# One scan clears most texts.
HINT = any_pattern(*(one.pattern for one in (ANCHORS, CUED, FIELD, ZIP, CODED)))
# Texts without any of these hold no address.
TELLING = Linear(rf"\d|orner of|\b{_NAMED} ", never_capture=True)
