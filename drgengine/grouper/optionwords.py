"""What changed in the header of a scheme, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from drgengine.grouper.codechange import Change
from drgengine.grouper.wording import reason_text

COSMETIC = ("id", "title.zh", "title.en", "authority.zh", "authority.en")
_CALLED = {
    "effective_from": "in force from",
    "effective_to": "in force to",
    "diagnosis_edition": "edition of the diagnoses",
    "procedure_edition": "edition of the procedures",
    "ungroupable": "code of what is not grouped",
    "retry_each_other_procedure": "other procedures are tried in the place of the principal one",
    "day_age_of_infants_only": "age in days counts for infants only",
}
_YES_NO = {"true": "yes", "false": "no"}


def option_words(change: Change) -> Iterator[str]:
    """Sentences about one key of scheme.toml.

    >>> list(option_words(Change("identity", "day_age_of_infants_only", old="false", new="true")))
    ['age in days counts for infants only: no -> yes']
    >>> list(option_words(Change("identity", "checks", old="sex_invalid, age_missing", new="sex_invalid")))
    ['a record is no longer invalid when age is missing or not credible']
    """
    if change.key in ("checks", "refused_principals"):
        yield from _reasons(change)
        return
    old, new = (_YES_NO.get(text, text) or "-" for text in (change.old, change.new))
    yield f"{_CALLED.get(change.key, change.key)}: {old} -> {new}"


def _reasons(change: Change) -> Iterator[str]:
    old, new = ([word for word in text.split(", ") if word] for text in (change.old, change.new))
    prefix, what = "", "invalid"
    if change.key == "refused_principals":
        prefix, what = "principal_diagnosis_", "ungroupable whatever the rules say"
    for word in (word for word in old if word not in new):
        yield f"a record is no longer {what} when {reason_text(prefix + word, 'en')[0]}"
    for word in (word for word in new if word not in old):
        yield f"a record is now {what} when {reason_text(prefix + word, 'en')[0]}"
