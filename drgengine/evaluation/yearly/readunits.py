"""The hospitals of an evaluation (参评机构): ids, names, peer groups."""

from __future__ import annotations

import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.plan.settings import Plan
from drgengine.evaluation.yearly.readtable import code, read_table

ALL = {"zh": "全部机构", "en": "all hospitals"}


def read_units(plan: Plan) -> pd.DataFrame:
    """Hospitals in the order of their table: index hospital_id; name, name_en, level, type, peer_group, further ones.

    Without a column peer_group the values of the plan's peer_columns make it, joined by " · ".
    Raises EvaluationError: a row without id, an id twice, a peer column that lacks or has an empty cell.
    """
    path = plan.units
    table = read_table(path, "units")
    if table.empty:
        raise EvaluationError(str(path), "there is no hospital", "Give one row per hospital")
    ids = [code(value) for value in table["hospital_id"]]
    for row, one in zip(table.index, ids, strict=True):
        if one is None:
            raise EvaluationError(
                f"{path}, row {row}", "the hospital has no hospital_id", "Fill it in, or delete the row"
            )
    index = pd.Index(ids, name="hospital_id", dtype=object)
    twice = index[index.duplicated()]
    if len(twice):
        rows = [str(row) for row, one in zip(table.index, ids, strict=True) if one == twice[0]]
        problem = f"hospital {twice[0]!r} stands in rows {', '.join(rows)}"
        raise EvaluationError(str(path), problem, "Give each hospital once")
    columns = {name: [code(value) for value in table[name]] for name in table.columns if name != "hospital_id"}
    frame = pd.DataFrame(columns, index=index, dtype=object)
    frame["name"] = _or(frame, "name", index.to_series())
    frame["name_en"] = _or(frame, "name_en", frame["name"])
    for name in ("level", "type"):
        frame[name] = _or(frame, name, pd.Series("", index=index))
    frame["peer_group"] = _peer_groups(frame, plan)
    frame["peer_group_en"] = _english_groups(frame, str(path), own=bool(plan.peer_columns))
    first = ["name", "name_en", "level", "type", "peer_group", "peer_group_en"]
    return frame[[*first, *(name for name in frame.columns if name not in first)]]


def _or(frame: pd.DataFrame, name: str, default: pd.Series) -> pd.Series:
    if name not in frame.columns:
        return default
    return frame[name].where(frame[name].notna(), default)


def _peer_groups(frame: pd.DataFrame, plan: Plan) -> pd.Series:
    place = str(plan.units)
    if "peer_group" in frame.columns:
        _refuse_empty(frame, "peer_group", place)
        return frame["peer_group"]
    if not plan.peer_columns:
        return pd.Series(ALL[plan.language], index=frame.index, dtype=object)
    for name in plan.peer_columns:
        if name not in frame.columns:
            problem = f"there is no column {name!r}, which makes the peer groups"
            raise EvaluationError(place, problem, "Add it, or name others (or none: []) in peer_columns of the plan")
        _refuse_empty(frame, name, place)
    parts = [frame[name].astype(str) for name in plan.peer_columns]
    return parts[0].str.cat(parts[1:], sep=" · ") if len(parts) > 1 else parts[0]


def _english_groups(frame: pd.DataFrame, place: str, own: bool) -> pd.Series:
    """English names of the peer groups, the name itself where there is none. Raises where a group has two."""
    if "peer_group_en" not in frame.columns:
        everyone = not own and set(frame["peer_group"]) == {ALL["zh"]}
        return pd.Series(ALL["en"], index=frame.index, dtype=object) if everyone else frame["peer_group"]
    names = frame.groupby("peer_group")["peer_group_en"].unique()
    for group, given in names.items():
        known = [one for one in given if one is not None and one == one]
        if len(known) > 1:
            problem = f"peer group {group!r} is called {' and '.join(map(repr, known))} in peer_group_en"
            raise EvaluationError(place, problem, "Give one English name per peer group")
    first = {group: next((n for n in given if n is not None and n == n), group) for group, given in names.items()}
    return frame["peer_group"].map(first).astype(object)


def _refuse_empty(frame: pd.DataFrame, name: str, place: str) -> None:
    empty = frame.index[(frame[name].isna() | (frame[name] == "")).to_numpy()]
    if len(empty):
        shown = ", ".join(map(str, empty[:8]))
        raise EvaluationError(place, f"no {name} for {shown}", "Fill it in: it says with whom a hospital is compared")
