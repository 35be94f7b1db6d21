"""Cleaning with evidence (数据清洗留痕): every value that is mended, doubtful or lost is reported with its row."""

from drgengine.formats.cleaning.ages import clean_ages
from drgengine.formats.cleaning.charges import check_charges, clean_charges
from drgengine.formats.cleaning.cleancodes import clean_code_list, clean_codes
from drgengine.formats.cleaning.codeflat import CodeSlot
from drgengine.formats.cleaning.dates import clean_dates
from drgengine.formats.cleaning.domains import clean_domain
from drgengine.formats.cleaning.durations import clean_hours, clean_stay_days
from drgengine.formats.cleaning.identifiers import clean_department, clean_identifier
from drgengine.formats.cleaning.result import Cleaned, CleanedCodes
from drgengine.formats.cleaning.weights import clean_weights

__all__ = [
    "Cleaned",
    "CleanedCodes",
    "CodeSlot",
    "check_charges",
    "clean_ages",
    "clean_charges",
    "clean_code_list",
    "clean_codes",
    "clean_dates",
    "clean_department",
    "clean_domain",
    "clean_hours",
    "clean_identifier",
    "clean_stay_days",
    "clean_weights",
]
