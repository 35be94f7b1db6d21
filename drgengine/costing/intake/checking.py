"""What the checks of a cost model share: tables with their places in the files, and where findings go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from drgengine.costing.bilingual import Bilingual, in_language, phrase
from drgengine.costing.findings import finding
from drgengine.costing.intake.modelfile import MODEL_FILE
from drgengine.costing.intake.read import Loaded
from drgengine.costing.intake.vocabulary import table_word
from drgengine.costing.model import CostModel, Finding, Settings, Severity

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Checking:
    """A model under examination.

    departments : the table of departments, one row per code; costs : yuan of the ledger per known department
    """

    loaded: Loaded
    settings: Settings
    findings: list[Finding] = field(default_factory=list)
    departments: pd.DataFrame = field(init=False)
    costs: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        frame = self.loaded.tables["departments"].frame
        frame = frame[frame["dept_code"].notna() & frame["category"].notna()]
        self.departments = frame.drop_duplicates("dept_code").reset_index(drop=True)
        ledger = self.frame("ledger")
        sums = {} if ledger is None else ledger.groupby("dept_code")["amount"].sum().to_dict()
        known = set(self.departments["dept_code"])
        self.costs = {code: float(amount) for code, amount in sums.items() if code in known}

    def frame(self, table: str) -> pd.DataFrame | None:
        """A table, None where the model has none or nothing stands in it."""
        found = self.loaded.tables.get(table)
        return None if found is None or len(found.frame) == 0 else found.frame

    def place(self, table: str, rows: Any = None, column: str = "") -> str:
        """Where rows of a table stand: a mask or positions."""
        found = self.loaded.tables.get(table)
        if found is None or rows is None:
            return self.settings.tables.get(table, phrase("table", table=table_word(table)))
        positions = np.asarray(rows)
        if positions.dtype == bool:
            positions = np.flatnonzero(positions)
        return found.place(positions, column) if positions.size else self.place(table)

    def key(self, section: str, key: str) -> str:
        """The place of a key of model.toml."""
        return phrase("key", place=f"{MODEL_FILE} [{section}]", key=key)

    def add(self, severity: Severity, key: str, place: str, amount: float | None = None, /, **values: object) -> None:
        """Note a finding; see `costing.findings.finding`."""
        self.findings.append(finding(severity, key, place, amount, **values))

    def category(self) -> dict[str, str]:
        """dept_code -> category, in the order of the table."""
        return dict(zip(self.departments["dept_code"], self.departments["category"], strict=True))

    def named(self, code: str) -> str:
        """A department in a message: code and name."""
        rows = self.departments[self.departments["dept_code"] == code]
        name = rows["dept_name"].iloc[0] if len(rows) else code
        return code if name == code else f"{code} {name}"

    def near_department(self, code: str, name: str = "") -> Bilingual | None:
        """The departments most like the name another table gives it, or else like the code; None when none is."""
        codes, names = self.departments["dept_code"].tolist(), self.departments["dept_name"].tolist()
        for wanted, known, cutoff in ((name, names, 0.5), (code, codes, 0.6), (code, names, 0.6)):
            near = get_close_matches(wanted, known, n=3, cutoff=cutoff) if wanted else []
            if near:
                likeness = [SequenceMatcher(None, wanted, one).ratio() for one in near]
                best = [one for one, ratio in zip(near, likeness, strict=True) if ratio == max(likeness)]
                return alternatives(sorted(self.named(codes[known.index(one)]) for one in best))
        return None

    def model(self) -> CostModel:
        """The model as far as it was read, for the statistics the run uses."""
        frames = {name: table.frame for name, table in self.loaded.tables.items()}
        return CostModel(self.loaded.folder, self.settings, frames | {"departments": self.departments}, None)


def alternatives(texts: Iterable[str]) -> Bilingual:
    """Texts of which one is meant.

    >>> alternatives(["A", "B"]), alternatives(["A", "B"]).zh
    ('A or B', 'A 或 B')
    """
    every = list(texts)
    return Bilingual(" or ".join(every), " 或 ".join(in_language(text, "zh") for text in every))
