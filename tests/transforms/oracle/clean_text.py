"""What cleaning text and addresses means, one character at a time."""

import unicodedata

DIRECTION = [*range(0x200E, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x2070)]
GONE = {chr(code) for code in [0xAD, 0x180E, 0x200B, 0xFEFF, *range(0x2060, 0x2065), *DIRECTION]}
# White_Space of Unicode's PropList; Python's isspace also counts the separators U+001C to U+001F.
SPACE = {chr(code) for code in [*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029]}
SPACE |= {"\u202f", "\u205f", "\u3000"}
SPECIAL = set("!#$%&'*+/=?^_`{|}~-")


def tidied(text: str, form: str) -> str:
    kept = [c for c in text if c not in GONE and (unicodedata.category(c) != "Cc" or c in SPACE)]
    words, word = [], ""
    for c in unicodedata.normalize(form, "".join(kept)):
        if c in SPACE:
            words.append(word)
            word = ""
        else:
            word += c
    return " ".join(w for w in [*words, word] if w)


def letter(c: str) -> bool:
    return unicodedata.category(c)[0] in "LNM"


def is_address(text: str) -> bool:
    """A dot-atom, an @, and labels with dots between, the last of which begins with a letter."""
    if text.count("@") != 1 or len(text.encode()) > 254:
        return False
    local, domain = text.split("@")
    atoms, labels = local.split("."), domain.split(".")
    if len(local.encode()) > 64 or not all(a and all(letter(c) or c in SPECIAL for c in a) for a in atoms):
        return False
    return len(labels) > 1 and all(is_label(label) for label in labels) and is_top(labels[-1])


def is_label(label: str) -> bool:
    if not label or len(label) > 63 or label[-1] == "-" or unicodedata.category(label[0])[0] not in "LN":
        return False
    return all(letter(c) or c == "-" for c in label)


def is_top(label: str) -> bool:
    return len(label) > 1 and unicodedata.category(label[0])[0] == "L"
