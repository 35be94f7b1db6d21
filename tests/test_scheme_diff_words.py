"""What a diff says in Chinese and English: words, names of ADRGs without one, what is ambiguous; independent counts."""

from __future__ import annotations

import itertools
import json
import re
import string
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from drawn import make_scheme
from smallschemes import LISTS, rule, small

from drgengine.commands.scheme import diff as diff_command
from drgengine.errors import DrgEngineError
from drgengine.grouper.conditions import All, AnyOf, Condition, Constant, Has, Not, Severity
from drgengine.grouper.conditionwords import base_name, condition_words
from drgengine.grouper.diff import SchemeDiff, diff_schemes
from drgengine.grouper.diffxlsx import diff_sheets, write_diff_xlsx
from drgengine.grouper.expression import parse
from drgengine.grouper.movement import diff_cases
from drgengine.grouper.movementtext import movement_lines
from drgengine.grouper.scheme import Mdc, Scheme
from drgengine.grouper.schemefile import load_scheme
from drgengine.grouper.wording import DATA

HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def published() -> SchemeDiff:
    return diff_schemes("chs-drg-1.1", "chs-drg-2.0")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_word_is_there_in_both_languages_with_the_same_blanks() -> None:
    words = tomllib.loads((DATA / "schemediff.toml").read_text(encoding="utf-8"))
    assert words["zh"].keys() == words["en"].keys()
    assert {key for key in words["en"] if fields(words["zh"][key]) != fields(words["en"][key])} == set()
    assert not any(HAN.search(text) for text in words["en"].values())


CONDITIONS = {
    "pdx in @dx and age_years >= 70": "主要诊断在 @dx 内 且 年龄≥70 岁",
    "cc or mcc": "CC 或 MCC",
    "not mcc and not has_sdx": "无 MCC 且 没有其他诊断",
    "sex == 2 and age_days < 29": "女性 且 日龄＜29 天",
    "count any_proc in p >= 2": "任一手术操作在 p 内至少有 2 个不同编码",
    "first_proc in operations": "主要手术操作为有效手术",
    "not any_proc in p": "任一手术操作不在 p 内",
    "any_dx starts {P07.}": "任一诊断以 P07. 开头",
    "always": "无条件",
}


@pytest.mark.parametrize("text", CONDITIONS)
def test_conditions_in_chinese(text: str) -> None:
    assert condition_words(parse(text), language="zh") == CONDITIONS[text]


def test_a_language_without_words() -> None:
    with pytest.raises(DrgEngineError, match="'fr'"):
        diff_schemes(small(), small(gate="always")).lines(language="fr")


def test_the_same_is_said_in_both_languages(published: SchemeDiff) -> None:
    chinese, english = published.lines(4, "zh"), published.lines(4)
    assert sum(not line for line in chinese) == sum(not line for line in english)
    assert chinese[0] == "chs-drg-1.1 → chs-drg-2.0"
    assert "  ADRG：376 → 409（新增 53，取消 20，新增中 7 个可能沿续原 ADRG）" in chinese
    assert "  细分方式不同：132 个 ADRG（两个方案都有的共 356 个）" in chinese
    assert any(line.startswith("  其他诊断严重程度升高：") for line in chinese)
    assert {"  PK1 新生儿伴呼吸机支持", "    PK11 MCC，PK13 MCC 或 CC，PK15 其余", "    → PK11 MCC，PK15 其余"} <= set(
        chinese
    )
    assert all(re.match(r" *(→ )?[^a-z]*$", line) for line in chinese[1:20])
    assert diff_schemes(small(), small()).lines(language="zh") == ["drawn 与 drawn 没有差异。"]


def test_no_line_of_text_is_much_wider_than_a_screen(published: SchemeDiff) -> None:
    for language in ("zh", "en"):
        widths = [sum(2 if ord(sign) > 0x2E7F else 1 for sign in line) for line in published.lines(20, language)]
        assert sum(width > 100 for width in widths) < 0.03 * len(widths)


def test_an_adrg_without_a_name_is_called_as_its_first_group_and_told_when_ambiguous() -> None:
    groups = (("AX11", "休克，伴严重并发症或合并症", "mcc"), ("AX15", "休克，不伴并发症或合并症", "always"))
    old = small(
        rule("AR1"),
        rule("AX1", "pdx in b", groups, adrg="AX1", title=""),
        rule("AQY", "never", (), adrg="AQY", title="", kind="ambiguous"),
    )
    new = small(rule("AR1"), rule("AZ0", "never", (("AZ00", "", "always"),), adrg="AZ0", kind="fallback", title=""))
    diff = diff_schemes(old, new)
    english, chinese = diff.lines(), diff.lines(language="zh")
    assert {"  AQY (ambiguous group)", "  AX1 休克", "  AZ0 (fall-back group)"} <= set(english)
    assert {"  AQY（歧义组）", "  AX1 休克", "  AZ0（兜底组）"} <= set(chinese)
    assert "  ADRGs: 2 -> 1 (1 gone)" in english
    assert "  ambiguous groups: 1 -> 0 (1 gone)" in english
    content = diff.to_dict()
    assert "adrg_names" not in content
    assert not any("asked" in split for split in content["splits"])
    sheet = {name: rows for name, _, rows in diff_sheets(diff, "zh")}["组别变化"]
    assert ("取消", "ADRG", "AQY", "", "", "", "歧义组") in [tuple(row) for row in sheet]
    assert ("取消", "ADRG", "AX1", "休克", "", "", "") in [tuple(row) for row in sheet]


def test_what_a_name_says_besides_severity_belongs_to_it() -> None:
    assert base_name("心导管检查，伴心肌梗死") == "心导管检查，伴心肌梗死"
    assert base_name("心导管检查，伴心肌梗死，不伴并发症或合并症") == "心导管检查，伴心肌梗死"


def test_empty_parts_are_left_out() -> None:
    assert diff_schemes(small(), small(mcc__1="", cc__2="A02.0 B00.0")).lines(language="zh") == [
        "drawn → drawn",
        "  MCC：1 → 0",
        "  CC：1 → 2",
        "  其他诊断严重程度降低：MCC → CC 1",
        "",
        "其他诊断的严重程度",
        "  MCC → CC：1 个诊断（A02.0）",
        "",
        "完整内容：--json，或用 --xlsx FILE 输出后筛选；--limit 可显示更多。",
    ]


def test_the_workbook_in_chinese(tmp_path: Path, published: SchemeDiff) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(write_diff_xlsx(published, tmp_path / "c.xlsx", "zh"), read_only=True)
    assert book.sheetnames == ["概况", "组别变化", "细分变化", "编码移动", "严重程度", "排除表", "规则变化"]
    heads = [cell for sheet in book for row in sheet.iter_rows(max_row=1, values_only=True) for cell in row]
    assert [head for head in heads if not HAN.search(head)] == ["chs-drg-1.1", "chs-drg-2.0", "ADRG", "ADRG"]
    english = {name: len(rows) for name, _, rows in diff_sheets(published)}
    assert list(english.values()) == [len(rows) for _, _, rows in diff_sheets(published, "zh")]


def test_the_command_in_chinese() -> None:
    done = CliRunner().invoke(diff_command, ["chs-drg-1.1", "chs-drg-2.0", "--lang", "zh", "--limit", "1"])
    assert done.exit_code == 0, done.output
    assert "细分方式不同的 ADRG（132）" in done.stdout
    plain, chinese = (
        CliRunner().invoke(diff_command, ["chs-drg-1.1", "chs-drg-2.0", "--json", "--lang", language]).stdout
        for language in ("en", "zh")
    )
    assert json.loads(plain) == json.loads(chinese)


def test_movement_in_words(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("dx,sex,age_years\nP07.000,1,40\nI21.000,1,60\nI21.000,,60\n", encoding="utf-8")
    movement = diff_cases(path, "chs-drg-1.1", "chs-drg-2.0")
    assert movement_lines(movement) == movement.lines()
    assert movement_lines(movement, language="zh")[0].startswith("chs-drg-1.1 → chs-drg-2.0：3 例，")


def test_scheme_options_in_chinese() -> None:
    new = replace(small(), checks=("sex_invalid",), refused_principals=("unknown",), day_age_of_infants_only=True)
    text = "\n".join(diff_schemes(small(), new).lines(language="zh"))
    assert "以下情形不再判为无效记录：年龄缺失或不可信" in text
    assert "以下情形现一律不予入组：" in text
    assert "日龄只用于婴儿：否 → 是" in text


# --- counted another way ------------------------------------------------------------------------------------------


def holds(condition: Condition, facts: dict[str, bool]) -> bool:
    match condition:
        case All(parts):
            return all(holds(part, facts) for part in parts)
        case AnyOf(parts):
            return any(holds(part, facts) for part in parts)
        case Not(part):
            return not holds(part, facts)
        case Constant(value):
            return value
        case Severity(level):
            return facts[level]
        case Has("sdx"):
            return facts["sdx"]
    raise TypeError(condition)


def answers(scheme: Scheme) -> dict[str, set[tuple[str, ...]]]:
    """ADRG -> the groups that its rules answer with for every mix of MCC, CC and other diagnoses that can be."""
    mixes = [dict(zip(("mcc", "cc", "sdx"), mix, strict=True)) for mix in itertools.product((False, True), repeat=3)]
    possible = [mix for mix in mixes if mix["sdx"] or not (mix["mcc"] or mix["cc"])]
    found: dict[str, set[tuple[str, ...]]] = {}
    for _, one in scheme.rules:
        drgs = (next((g.drg for g in one.groups if holds(g.when, mix)), one.otherwise) for mix in possible)
        found.setdefault(one.adrg, set()).add(tuple(drgs))
    return found


def test_adrgs_are_split_differently_where_cases_can_get_another_group(published: SchemeDiff) -> None:
    old, new = answers(load_scheme("chs-drg-1.1")), answers(load_scheme("chs-drg-2.0"))
    assert {split.adrg for split in published.splits} == {code for code in old if old[code] != new.get(code, old[code])}


def test_a_name_counts_as_new_or_gone_for_mdcs() -> None:
    old = make_scheme([Mdc("A", "brain", parse("pdx in a"), ())], {n: (t,) for n, t in LISTS.items()}, {})
    new = make_scheme([Mdc("B", "脑", parse("pdx in a"), ())], {n: (t,) for n, t in LISTS.items()}, {})
    lines = diff_schemes(old, new).lines(language="zh")
    assert {"  MDC：1（新增 1，取消 1）", "  取消 MDC A brain", "  新增 MDC B 脑"} <= set(lines)
