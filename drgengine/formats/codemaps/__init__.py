"""Code editions (编码版本): the user's mapping tables applied exactly, grey codes, signs of the other edition.

Nothing is ever converted silently. Some 250 codes are the same text with another meaning in the clinical edition
(国临版) and the insurance edition (医保版), A21.200 and A49.100 among them, so "convert whatever the table knows" would
spoil a file that is in the insurance edition already. The edition is the user's explicit choice, the table is the
user's, and every code keeps its source and gets a status.
"""

from drgengine.formats.codemaps.maptable import CodeMap
from drgengine.formats.codemaps.readmap import load_code_map, load_grey_codes
from drgengine.formats.codemaps.recode import MappedCodes, apply_codes
from drgengine.formats.codemaps.signs import EditionSigns, edition_signs

__all__ = [
    "CodeMap",
    "EditionSigns",
    "MappedCodes",
    "apply_codes",
    "edition_signs",
    "load_code_map",
    "load_grey_codes",
]
