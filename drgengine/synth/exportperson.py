"""Invented persons for exports: names, identity numbers with a valid check digit, addresses, telephones."""

from __future__ import annotations

import datetime

import numpy as np

_FAMILY = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
_GIVEN = (
    "钰琇",
    "翊珺",
    "璟晗",
    "昶旻",
    "珩瑄",
    "忞祎",
    "霁岚",
    "骊筠",
    "淞菡",
    "翀昊",
    "琬璃",
    "逸尧",
    "斓曦",
    "煊赫",
)
_STREETS = ("虚构北街", "样例东路", "演示南巷", "模拟西里", "臆造中路")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_REGION = "990101"  # no region of the national list begins with 99


def identity_number(birth: datetime.date, serial: int) -> str:
    """An 18-digit identity number (公民身份号码, GB 11643) of no region there is, with its check digit.

    >>> identity_number(datetime.date(1980, 2, 29), 7)
    '990101198002290070'
    """
    body = f"{_REGION}{birth:%Y%m%d}{serial % 1000:03d}"
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, body, strict=True))
    return body + _CHECK[total % 11]


def invented_person(rng: np.random.Generator, birth: datetime.date) -> dict[str, str]:
    """What a front page says about a person, by the key of the layout; every text is told apart from other data."""
    number = int(rng.integers(1, 10**6))
    home = f"{rng.choice(_STREETS)}{number}号"
    return {
        "person.name": _name(rng),
        "person.id": identity_number(birth, number),
        "person.birthplace": f"生于{home}",
        "person.address": f"户在{home}",
        "person.home": home,
        "person.phone": f"199{number:08d}",
        "person.work": f"臆造工厂{number}",
        "person.workphone": f"0990-{number:07d}",
        "person.contact": _name(rng),
        "person.contactaddress": f"联于{home}",
        "person.contactphone": f"198{number:08d}",
    }


def invented_staff(rng: np.random.Generator) -> dict[str, str]:
    """The names of the staff on a front page, by the key of the layout."""
    roles = ("chief", "senior", "attending", "resident", "nurse", "coder")
    return {f"staff.{role}": _name(rng) for role in roles}


def _name(rng: np.random.Generator) -> str:
    return _FAMILY[int(rng.integers(len(_FAMILY)))] + _GIVEN[int(rng.integers(len(_GIVEN)))]
