"""The exceptions list (例外事项清单) is Chinese in Chinese output and English in English output."""

from __future__ import annotations

import ast
import copy
import pickle
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pyarrow.parquet as pq
import pytest
from chinese_findings import english_left

from drgengine import costing
from drgengine.commands.costscreen import print_findings
from drgengine.costing.bilingual import Bilingual, listed, phrase, sentences, templates
from drgengine.costing.findings import finding, of_error
from drgengine.costing.model import Finding
from drgengine.costing.reports.notes import exceptions_table
from drgengine.costing.reports.reportparquet import as_arrow
from drgengine.costing.reports.reportwords import report_texts
from drgengine.errors import CostingError

ROOT = Path(__file__).resolve().parent.parent
CODE = ROOT / "drgengine" / "costing"
HOSPITAL = ROOT / "sample_cases" / "hospital"
MAKERS = ("bilingual.py", "findings.py", "checking.py")
"""Files whose functions pass a key on."""


# Every sentence used in the code is there, with all its facts, in both languages


class Use(NamedTuple):
    """A sentence that the code asks for.

    path : in the data file; ending in * for any variant; given, spare : facts, those that need not stand in it
    """

    path: str
    given: set[str]
    where: str
    spare: frozenset[str] = frozenset()


def key_of(node: ast.expr) -> list[str]:
    """The keys an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return key_of(node.body) + key_of(node.orelse)
    if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        return [f"{node.values[0].value}*"]
    raise AssertionError(f"line {node.lineno}: not a key that can be checked: {ast.unparse(node)}")


def values_of(call: ast.Call, function: ast.AST) -> set[str]:
    """Names of the facts a call gives, those of dictionaries of the function included."""
    given = {keyword.arg for keyword in call.keywords if keyword.arg}
    for keyword in call.keywords:
        if keyword.arg is None:
            assert isinstance(keyword.value, ast.Name), ast.unparse(call)
            given |= names_in(keyword.value.id, function)
    return given


def names_in(variable: str, function: ast.AST) -> set[str]:
    """Keys of the dictionaries that a variable of a function holds."""
    found: set[str] = set()
    for node in ast.walk(function):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == variable and isinstance(node.value, ast.Dict):
            found |= {key.value for key in node.value.keys if isinstance(key, ast.Constant)}
    assert found, variable
    return found


def called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute) and function.attr in ("add", "_note"):
        return ast.unparse(function).rpartition("self.")[2]
    return ""


def uses_in(path: Path) -> Iterator[Use]:
    """Every call that makes a sentence, in one file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        for call in [node for node in ast.walk(function) if isinstance(node, ast.Call)]:
            name, where = called(call), f"{path.relative_to(ROOT)}:{call.lineno}"
            if name in ("finding", "checking.add", "_note") and len(call.args) >= 2:
                if not (function.name == "_note" and isinstance(call.args[1], ast.Name)):
                    # There the yuan concerned are a fact of the sentence, too.
                    spare = frozenset({"amount"} if path.name == "chargefindings.py" and call.args[2:] else ())
                    for key in key_of(call.args[1]):
                        yield Use(f"findings.{key}", values_of(call, function) | spare, where, spare)
            elif name in ("sentences", "phrase"):
                for key in key_of(call.args[0]):
                    path_of_key = f"phrases.{key}" if name == "phrase" else key
                    yield Use(path_of_key, values_of(call, function), where)


def uses() -> list[Use]:
    files = [path for path in CODE.rglob("*.py") if path.name not in MAKERS or path.parent.name == "allocation"]
    return [use for path in files for use in uses_in(path)]


def entries(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """Every table of texts of the data file with its path."""
    if all(isinstance(value, str) for value in node.values()):
        yield path, node
        return
    for name, below in node.items():
        yield from entries(below, f"{path}.{name}" if path else name)


ENTRIES = dict(entries({k: v for k, v in templates().items() if k != "words"}))


def fields(texts: list[str]) -> set[str]:
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}


def spoken(entry: dict[str, str]) -> tuple[list[str], list[str]]:
    """Texts of an entry in English and in Chinese."""
    chinese = [text for name, text in entry.items() if name.endswith("zh")]
    return [text for text in entry.values() if text not in chinese], chinese


def matching(path: str) -> list[str]:
    return [known for known in ENTRIES if known.startswith(path[:-1])] if path.endswith("*") else [path]


def test_every_sentence_has_its_facts_in_both_languages() -> None:
    for use in uses():
        found = matching(use.path)
        assert found, use
        for path in found:
            assert path in ENTRIES, use
            for texts in spoken(ENTRIES[path]):
                assert fields(texts) <= use.given, (path, use)
            assert fields(list(ENTRIES[path].values())) >= use.given - use.spare, (path, use)


def test_every_entry_has_both_languages_and_is_used() -> None:
    asked = {path for use in uses() for path in matching(use.path)}
    own = {"phrases.more", "phrases.yuan", "phrases.english", "phrases.table", "phrases.key"}  # asked for by the makers
    assert set(ENTRIES) - own == asked - own
    for path, texts in ENTRIES.items():
        names = {"en", "zh"} if path.startswith("phrases.") else {"problem", "problem_zh", "remedy", "remedy_zh"}
        assert set(texts) == names, path
        for name, text in texts.items():
            assert text.strip(), (path, name)
            assert not text.endswith((".", "。")), (path, name)


def test_every_rule_has_a_title_in_both_languages() -> None:
    titles = report_texts()["values"]["rule"]
    rules = set(templates()["findings"]) | {
        call.args[0].value
        for path in CODE.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and called(call) == "of_error" and isinstance(call.args[0], ast.Constant)
    }
    assert set(titles) == rules
    assert all(set(title) == {"zh", "en"} and all(title.values()) for title in titles.values())


def test_findings_are_made_from_the_data_file_alone() -> None:
    """A sentence written in the code would be in one language."""
    for path in CODE.rglob("*.py"):
        made = [
            node.lineno
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and called(node) == "Finding"
        ]
        assert not made or path.name == "findings.py", f"{path.name}: lines {made}"


# Texts


def test_a_finding_speaks_both_languages() -> None:
    made = finding("warning", "share_sum.scaled", phrase("department", code="A{01}"), 1.5, total=0.98)
    assert (made.rule, made.amount) == ("share_sum", 1.5)
    assert made.place == "department A{01}"
    assert "0.98" in made.problem
    assert made.text("en") == (made.place, made.problem, made.remedy)
    assert made.text("zh") == ("科室 A{01}", "其比例合计为 0.98，已调整为 1", "请核对其分摊参数")
    assert not english_left([made])


def test_a_plain_finding_is_the_same_in_both() -> None:
    plain = Finding("note", "self_use", "H01", "own use", "None needed")
    assert plain.text("zh") == plain.text("en") == ("H01", "own use", "None needed")


def test_findings_survive_sets_pickling_and_copies() -> None:
    one, two = (finding("note", "reversal", phrase("cost_pools"), -3.0, n=2, amount=-3.0) for _ in range(2))
    assert list(dict.fromkeys([one, two])) == [one]
    for again in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one)):
        assert again == one
        assert again.text("zh") == one.text("zh") == ("成本池", "2 行为冲销（-3.00 元），已相抵", "无需处理")


def test_parts_are_put_in_in_their_language() -> None:
    some = listed([phrase("department", code=code) for code in "ABC"], 2)
    assert (some, some.zh) == ("department A, department B and 1 more", "科室 A、科室 B 等共 3 项")
    problem, _ = sentences("findings.idle_pool.pools", n=3, activity=phrase("item_weight"), pools=some)
    assert "weight of service items: department A" in problem
    assert problem.zh == "3 个成本池有成本而没有医疗服务项目工作量：科室 A、科室 B 等共 3 项"


def test_an_english_error_is_marked_in_chinese() -> None:
    told = of_error("model_file", CostingError("model.toml", "not valid TOML", "Mend the line named"), "model.toml")
    assert told.problem == "not valid TOML"
    assert told.text("zh").problem == "（英文原文）not valid TOML"
    both = of_error("model_file", CostingError("a", *sentences("model.no_method")), "a")
    assert both.text("zh").problem == "列表为空"


# Table, workbook, terminal


def test_parquet_holds_both_languages() -> None:
    table = as_arrow(exceptions_table([finding("note", "reversal", phrase("charges"), n=2, amount=-3.0)]))
    assert table.schema.names[2:8] == ["place", "place_zh", "problem", "problem_zh", "remedy", "remedy_zh"]
    (row,) = table.to_pylist()
    assert (row["place"], row["place_zh"]) == ("charges", "收费")
    assert row["problem"] == "2 lines reverse others (-3.00 yuan) and were netted"
    assert row["problem_zh"] == "2 行为冲销（-3.00 元），已相抵"
    titles = table.schema.field("problem_zh").metadata
    assert (titles[b"title_zh"].decode(), titles[b"title_en"]) == ("问题（中文）", b"Problem, in Chinese")


@pytest.fixture(scope="module", params=["zh", "en"])
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("findings") / "results"
    costing.run(HOSPITAL, folder, language=request.param)
    return request.param, folder


def test_the_workbook_of_the_sample_hospital_is_in_one_language(results: tuple[str, Path]) -> None:
    language, folder = results
    rows = pq.read_table(folder / "tables" / "exceptions.parquet").to_pylist()
    assert rows
    ending = "_zh" if language == "zh" else ""
    (workbook,) = folder.glob("*.xlsx")
    title = report_texts()["tables"]["exceptions"][language]
    sheet = openpyxl.load_workbook(workbook, read_only=True)[title]
    shown = list(sheet.iter_rows(values_only=True))[4:]
    assert [row[2:5] for row in shown] == [
        tuple(row[name + ending] for name in ("place", "problem", "remedy")) for row in rows
    ]
    rules = report_texts()["values"]["rule"]
    assert [row[1] for row in shown] == [rules[row["rule"]][language] for row in rows]
    texts = [row[f"{name}_zh"] for row in rows for name in ("problem", "remedy")]
    assert not [text for text in texts if text.isascii()]
    assert all(row[name] != row[f"{name}_zh"] for row in rows for name in ("problem", "remedy"))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_terminal_is_in_one_language(tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str) -> None:
    costing.new_model(tmp_path / "m")
    text = (tmp_path / "m" / "departments.csv").read_text(encoding="utf-8-sig")
    (tmp_path / "m" / "departments.csv").write_text(text.replace("临床服务", "临床服装"), encoding="utf-8")
    print_findings(costing.check_model(tmp_path / "m"), language)
    told = "".join(capsys.readouterr().out.split())
    chinese = ("错误", "单元格无法读取", "不是可选的词", "是否应为“临床服务”")
    english = ("error", "unreadablecell", "isnotanacceptedword", "Didyoumean'临床服务'")
    for words, own in ((chinese, language == "zh"), (english, language == "en")):
        assert [word in told for word in words] == [own] * len(words), told


def test_a_text_stays_a_text() -> None:
    text = Bilingual("ab", "甲乙")
    assert isinstance(text, str)
    assert hash(text) == hash("ab")
    assert f"{text}!" == "ab!"
