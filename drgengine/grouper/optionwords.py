"""What changed in the header of a scheme, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from drgengine.grouper.codechange import Change
from drgengine.grouper.conditionwords import diff_words
from drgengine.grouper.wording import reason_text

COSMETIC = ("id", "title.zh", "title.en", "authority.zh", "authority.en")


def option_name(key: str, language: str = "en") -> str:
    """What a key of scheme.toml is called.

    >>> option_name("effective_from"), option_name("effective_from", "zh")
    ('in force from', '施行起始')
    """
    return diff_words(language).get(f"option_{key.replace('.', '_')}", key)


def option_words(change: Change, language: str = "en") -> Iterator[str]:
    """Sentences about one key of scheme.toml.

    >>> list(option_words(Change("identity", "day_age_of_infants_only", old="false", new="true")))
    ['age in days counts for infants only: no -> yes']
    >>> list(option_words(Change("identity", "checks", old="sex_invalid, age_missing", new="sex_invalid")))
    ['a record is no longer invalid when age is missing or not credible']
    """
    if change.key in ("checks", "refused_principals"):
        yield from _reasons(change, language)
        return
    words = diff_words(language)
    old, new = (
        words[f"option_{text}"] if text in ("true", "false") else text or "-" for text in (change.old, change.new)
    )
    yield words["option_line"].format(key=option_name(change.key, language), old=old, new=new)


def _reasons(change: Change, language: str) -> Iterator[str]:
    words = diff_words(language)
    old, new = ([word for word in text.split(", ") if word] for text in (change.old, change.new))
    prefix, key = ("principal_diagnosis_", "refusal") if change.key == "refused_principals" else ("", "check")
    for what, ones, others in (("dropped", old, new), ("added", new, old)):
        for word in (word for word in ones if word not in others):
            yield words[f"{key}_{what}"].format(reason=reason_text(prefix + word, language)[0])
