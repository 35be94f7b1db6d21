"""The words of a cost model: tables, columns, headers, units and accepted words (data/costing_tables.toml)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal

from drgengine.cases.vocabulary import fold
from drgengine.costing.bilingual import Bilingual, in_language, listed

Kind = Literal[
    "code",
    "department",
    "text",
    "number",
    "share",
    "date",
    "period",
    "bool",
    "choice",
    "basis",
    "indicator",
    "diagnoses",
]
TEXT_KINDS: tuple[Kind, ...] = ("code", "department", "text", "choice", "basis", "indicator", "diagnoses", "period")
CODE_KINDS: tuple[Kind, ...] = ("code", "department")
WORKLOAD = "workload."
"""What a basis (分摊参数) begins with that names an indicator of the table workload, e.g. "workload.tests"."""

_BRACKETED = re.compile(r"(?P<outer>.+?)\((?P<inner>[^()]*)\)")
_WORKLOAD_WORDS = ("workload", "工作量")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    kind : see [types] in data/costing_tables.toml
    required : the column must be there; blank : its cells may be blank all the same
    family : family of units a header may name, e.g. "money" for 金额(万元); "" for none
    in_amount_unit : True when `amount_unit` of model.toml speaks of it
    words : list of accepted words, for choices
    default : of a blank cell or an absent column; None = null
    hint : the column only helps to explain mistakes and is no part of the model
    """

    name: str
    kind: Kind
    title: str
    aliases: tuple[str, ...] = ()
    required: bool = False
    blank: bool = False
    unit: str = ""
    family: str = ""
    in_amount_unit: bool = False
    minimum: float | None = None
    words: str = ""
    default: Any = None
    hint: bool = False
    note: str = ""

    @property
    def label(self) -> Bilingual:
        """How messages name it, e.g. '科室编码 (dept_code)'; 科室编码 in Chinese."""
        return Bilingual(f"{self.title} ({self.name})", self.title)

    @property
    def named(self) -> Bilingual:
        """Its canonical name, the title in Chinese."""
        return Bilingual(self.name, self.title)


@dataclass(frozen=True, slots=True)
class HeaderMatch:
    """Which columns of a file feed which canonical columns.

    columns : canonical name -> header of the file
    factors : canonical name -> factor of the unit the header names, e.g. 10000 for 金额(万元)
    unknown : headers without a meaning here
    twice : (canonical name, first header, second header) where two headers have one meaning
    missing : canonical names of required columns that no header feeds
    """

    columns: Mapping[str, str]
    factors: Mapping[str, float]
    unknown: tuple[str, ...]
    twice: tuple[tuple[str, str, str], ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableWords:
    """One table of a model: its Chinese title, whether every model needs it, its columns by canonical name."""

    name: str
    title: str
    purpose: str
    required: bool
    streamed: bool
    system: str
    columns: Mapping[str, Column]
    headers: Mapping[str, str] = field(repr=False)

    @property
    def label(self) -> Bilingual:
        """How messages name it, e.g. '科室字典 (departments)'; 科室字典 in Chinese."""
        return Bilingual(f"{self.title} ({self.name})", self.title)

    @property
    def named(self) -> Bilingual:
        """Its canonical name, the title in Chinese."""
        return Bilingual(self.name, self.title)

    def match(self, headers: Sequence[str]) -> HeaderMatch:
        """Find the canonical columns of a file by its headers.

        Headers are compared without case, blanks, underscores and full-width forms; a unit or the canonical name may
        stand behind in brackets.

        >>> found = tables()["ledger"].match(["科室 编码", "成本项目", "金额（万元）", "备注"])
        >>> dict(found.columns), dict(found.factors)
        ({'dept_code': '科室 编码', 'cost_item': '成本项目', 'amount': '金额（万元）'}, {'amount': 10000.0})
        >>> found.unknown, found.missing
        (('备注',), ())
        """
        columns: dict[str, str] = {}
        factors: dict[str, float] = {}
        unknown, twice = [], []
        for header in headers:
            name, factor = self._meaning(header)
            if name is None:
                unknown.append(header)
            elif name in columns:
                twice.append((name, columns[name], header))
            else:
                columns[name] = header
                if factor is not None:
                    factors[name] = factor
        missing = tuple(c.name for c in self.columns.values() if c.required and c.name not in columns)
        return HeaderMatch(columns, factors, tuple(unknown), tuple(twice), missing)

    def _meaning(self, header: str) -> tuple[str | None, float | None]:
        whole = fold(header).strip("*")
        if whole in self.headers:
            return self.headers[whole], None
        bracketed = _BRACKETED.fullmatch(whole)
        if bracketed and bracketed["outer"] in self.headers:
            name, inner = self.headers[bracketed["outer"]], bracketed["inner"]
            if inner in (fold(name), "") or self.headers.get(inner) == name:
                return name, None
            factor = unit_factor(self.columns[name].family, inner)
            if factor is not None:
                return name, factor
        return None, None

    def nearest(self, name: str, headers: Sequence[str]) -> str | None:
        """The header that may mean the canonical column `name`, None when none is near.

        >>> tables()["ledger"].nearest("dept_code", ["科室编号", "备注"])
        '科室编号'
        """
        wanted = [header for header, meaning in self.headers.items() if meaning == name]
        folded = {fold(header): header for header in headers}
        scored = [near for word in wanted for near in get_close_matches(word, folded, n=1, cutoff=0.6)]
        return folded[scored[0]] if scored else None


@cache
def _data() -> dict[str, Any]:
    text = (Path(__file__).parents[2] / "data" / "costing_tables.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def tables() -> Mapping[str, TableWords]:
    """All tables of a model by canonical name.

    >>> tables()["stays"].title, list(tables()["stays"].columns)
    ('住院科室明细', ['case_id', 'dept_code', 'bed_days', 'hours'])
    """
    data = _data()["tables"]
    return {name: _table(name, entry, data) for name, entry in data.items()}


def _table(name: str, entry: dict[str, Any], data: dict[str, Any]) -> TableWords:
    columns = {}
    for column, words in data[entry.get("columns_of", name)]["columns"].items():
        family = words.get("family", "")
        keys = {key: value for key, value in words.items() if key not in ("type", "aliases", "unit")}
        if column in entry.get("without_default", ()):
            keys.pop("default", None)
        unit = words.get("unit", _data()["unit_of_family"].get(family, ""))
        columns[column] = Column(column, kind=words["type"], aliases=tuple(words.get("aliases", ())), unit=unit, **keys)
    headers = {
        fold(word): column.name for column in columns.values() for word in (column.name, column.title, *column.aliases)
    }
    return TableWords(
        name=name,
        title=entry["title"],
        purpose=entry["purpose"],
        required=entry.get("required", False),
        streamed=entry.get("streamed", False),
        system=entry.get("system", ""),
        columns=columns,
        headers=headers,
    )


@cache
def kind_titles() -> Mapping[str, str]:
    """What each kind of column holds, in English and Chinese."""
    return dict(_data()["types"])


def unit_factor(family: str, word: str) -> float | None:
    """Factor of a unit, None when the family does not know it.

    >>> unit_factor("money", "万元"), unit_factor("minutes", "小时"), unit_factor("money", "kg")
    (10000.0, 60.0, None)
    """
    factor = _data()["units"].get(family, {}).get(fold(word))
    return None if factor is None else float(factor)


@cache
def accepted(words: str) -> Mapping[str, tuple[str, ...]]:
    """Canonical choice -> the words accepted for it, the Chinese one of the templates first.

    >>> accepted("behaviour")["variable"]
    ('变动', '变动成本', '可变')
    """
    return {choice: tuple(known) for choice, known in _data()["words"][words].items()}


@cache
def _choices(words: str) -> Mapping[str, str]:
    known = accepted(words)
    return {fold(word): choice for choice, others in known.items() for word in (choice, *others)}


def choice_of(words: str, text: str) -> str | None:
    """The canonical choice a word stands for, None when it is unknown.

    >>> choice_of("category", "行政后勤类"), choice_of("cost_item", "Personnel"), choice_of("category", "保洁")
    ('administration', 'personnel', None)
    """
    return _choices(words).get(fold(text))


def nearest_word(words: str, text: str) -> str | None:
    """The accepted word that is most like a text, None when none is."""
    shown = {fold(word): word for choice, others in accepted(words).items() for word in (choice, *others)}
    near = get_close_matches(fold(text), shown, n=1, cutoff=0.6)
    return shown[near[0]] if near else None


def shown_choices(words: str) -> Bilingual:
    """The choices as messages list them.

    >>> shown_choices("behaviour"), shown_choices("behaviour").zh
    ('固定 (fixed), 变动 (variable), 混合 (mixed)', '固定、变动、混合')
    """
    known = accepted(words)
    return listed((Bilingual(f"{others[0]} ({choice})", others[0]) for choice, others in known.items()), len(known))


def table_word(name: str) -> Bilingual:
    """A table as messages name it: its canonical name, its title in Chinese.

    >>> table_word("stays"), table_word("stays").zh
    ('stays', '住院科室明细')
    """
    return tables()[name].named


def choice_word(words: str, choice: str) -> Bilingual:
    """A choice as messages name it; one that is not known stands for itself.

    >>> choice_word("fund_source", "fiscal_project").zh
    '财政项目拨款'
    """
    return Bilingual(choice, accepted(words).get(choice, (choice,))[0])


def element_word(element: str) -> Bilingual:
    """A cost element (成本要素) as messages name it.

    >>> element_word("personnel:doctor").zh, element_word("materials:charged").zh
    ('人员经费:doctor', '卫生材料费（单独收费）')
    """
    item, colon, detail = element.partition(":")
    name = in_language(choice_word("cost_item", item), "zh")
    return Bilingual(element, f"{name}（单独收费）" if element == "materials:charged" else f"{name}{colon}{detail}")


def basis_word(basis: str) -> Bilingual:
    """A driver (分摊参数) as messages name it.

    >>> basis_word("staff").zh, basis_word("workload.sterile_packs").zh
    ('人员数', '工作量.消毒包')
    """
    if basis.startswith(WORKLOAD):
        indicator = choice_word("indicator", basis.removeprefix(WORKLOAD))
        return Bilingual(basis, f"{_WORKLOAD_WORDS[1]}.{indicator.zh}")
    return choice_word("basis", basis)


def indicator_of(text: str) -> str:
    """The canonical indicator (工作量指标); a text the vocabulary does not know is an indicator of its own.

    >>> indicator_of("占用床日"), indicator_of("洗衣公斤")
    ('bed_days', '洗衣公斤')
    """
    return choice_of("indicator", text) or text


def basis_of(text: str) -> str | None:
    """The canonical driver (分摊参数), None when it is unknown.

    >>> basis_of("人员数"), basis_of("工作量.消毒包"), basis_of("workload.laundry_kg"), basis_of("moon")
    ('staff', 'workload.sterile_packs', 'workload.laundry_kg', None)
    """
    known = choice_of("basis", text)
    if known:
        return known
    head, _, indicator = text.strip().replace("：", ".").replace(":", ".").partition(".")
    if indicator.strip() and fold(head) in _WORKLOAD_WORDS:
        return WORKLOAD + indicator_of(indicator.strip())
    return None


def default_behaviour(cost_item: str) -> str:
    """How a cost item behaves with volume where the ledger does not say (成本性态); our default, no rule's.

    >>> default_behaviour("personnel"), default_behaviour("drugs")
    ('fixed', 'variable')
    """
    return str(_data()["default_behaviour"].get(cost_item, "mixed"))


def goods_of_fee_class(text: str) -> str | None:
    """drug or material by the charge class (费用类别), None when it does not say.

    >>> goods_of_fee_class("西药费"), goods_of_fee_class("床位费")
    ('drug', None)
    """
    for goods, classes in _data()["goods_of_fee_class"].items():
        if fold(text) in map(fold, classes):
            return str(goods)
    return None
