"""Views of the case cost cube: the seven national cost items, the InEK matrix, or an own one, by mapping alone."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from drgengine.costing.cases.caserows import GROUPS, case_rows
from drgengine.costing.cases.pools import Fen, add_rows
from drgengine.errors import CostingError

if TYPE_CHECKING:
    from drgengine.costing.cases.casecosts import CaseCosts

PACKAGED = Path(__file__).parents[2] / "data" / "costing_views.toml"
UNMAPPED = "unmapped"
_VIEW_KEYS = {"title_zh", "title_en", "source", "note", "element", "centre"}
_LINE_KEYS = {"id", "title_zh", "title_en", "match", "capital", "source", "note"}


@dataclass(frozen=True, slots=True)
class ViewLine:
    """One row or column of a view. match : names and patterns; capital : shown apart, outside the scheme."""

    id: str
    title_zh: str
    title_en: str
    match: tuple[str, ...]
    capital: bool = False
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """How elements and centre groups of the cube are shown. centres : empty where the hospital's own groups stay."""

    name: str
    title_zh: str
    title_en: str
    source: str
    note: str
    elements: tuple[ViewLine, ...]
    centres: tuple[ViewLine, ...]


@dataclass(frozen=True, slots=True)
class CubeView:
    """Cost of some objects in a view.

    table : pandas DataFrame, long: `by` (where asked for), status (by "drg", "adrg" or "disease"), centre, element (ids
        of the view, "unmapped" for what it does not know), cost, variable_cost in yuan; rows of nothing are left out.
        Its sum is the cost of the objects.
    unmapped : pandas DataFrame: axis ("element" or "centre"), name, cost: what the mapping does not know
    """

    view: View
    table: Any
    unmapped: Any

    def matrix(self) -> Any:
        """Centres (rows) x elements (columns), all groups together, yuan; the order of the view, unmapped last."""
        wide = self.table.pivot_table(index="centre", columns="element", values="cost", aggfunc="sum", fill_value=0.0)
        rows = _present([line.id for line in self.view.centres], list(wide.index))
        columns = _present([line.id for line in self.view.elements], list(wide.columns))
        return wide.loc[rows, columns].round(2)


def read_view(name: str | os.PathLike[str]) -> View:
    """A view by its name: "national" (七项成本) or "inek", or from a file in the form of data/costing_views.toml.

    A file holds one view. Raises CostingError: not found, not TOML, an unknown key, two lines with one id, a line that
    matches nothing.

    >>> [line.title_zh for line in read_view("national").elements][:3]
    ['人员经费', '卫生材料费', '药品费']
    """
    own = not isinstance(name, str) or name.endswith(".toml") or os.sep in name
    path = Path(name) if own else PACKAGED
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CostingError(str(path), f"the view cannot be read ({error})", "Give a TOML file") from error
    if own:
        if len(data) != 1:
            raise CostingError(str(path), f"it holds {len(data)} tables", "Give one table [NAME] with one view")
        return _view(str(path), *next(iter(data.items())))
    if name not in data:
        remedy = f"Use {' or '.join(data)}, or name a .toml file"
        raise CostingError("view", f"{name!r} is not known", remedy)
    return _view(str(path), str(name), data[str(name)])


def view_cube(
    costs: CaseCosts,
    view: View | str | os.PathLike[str],
    *,
    by: str | None = None,
    kinds: Sequence[str] = ("discharged",),
) -> CubeView:
    """Show the cost of some objects in a view.

    by : column of costs.objects to keep, e.g. "drg", "disease", "department_id"; objects without it have a null.
        By "drg", "adrg" or "disease" cases that belong to no group stand under their status, see `case_rows`
    kinds : of objects, see `caseobjects.KINDS`
    """
    import pandas as pd

    shown = view if isinstance(view, View) else read_view(view)
    element = _find(shown.elements, costs.elements)
    element_ids = [line.id for line in shown.elements] + [UNMAPPED]
    centre_ids = [line.id for line in shown.centres] + [UNMAPPED] if shown.centres else list(costs.centre_groups)
    own = not shown.centres
    centre = np.arange(len(costs.centre_groups)) if own else _find(shown.centres, costs.centre_groups)
    codes, labels = _groups(costs, by)
    inside = costs.objects["kind"].isin(list(kinds)).to_numpy(bool)[costs.row_object]
    row = np.flatnonzero(inside)
    key = codes[costs.row_object[row]] * len(centre_ids) + centre[costs.row_group[row]]
    size = (int(codes.max(initial=0)) + 1) * len(centre_ids)
    cost, variable = (_sum(key, fen[row], element, size, len(element_ids)) for fen in (costs.cost, costs.variable))
    line, column = np.nonzero((cost != 0) | (variable != 0))
    table: dict[str, Any] = {name: values[line // len(centre_ids)] for name, values in labels.items()}
    table |= {
        "centre": np.array(centre_ids, object)[line % len(centre_ids)],
        "element": np.array(element_ids, object)[column],
        "cost": cost[line, column] / 100,
        "variable_cost": variable[line, column] / 100,
    }
    unmapped = _unmapped(costs, row, element, centre, (len(shown.elements), -1 if own else len(shown.centres)))
    return CubeView(shown, pd.DataFrame(table), unmapped)


def _view(place: str, name: str, data: Any) -> View:
    if not isinstance(data, dict) or set(data) - _VIEW_KEYS or not data.get("element"):
        strange = ", ".join(sorted(set(data) - _VIEW_KEYS)) if isinstance(data, dict) else ""
        problem = f"keys {strange} are not known" if strange else "there is no [[...element]]"
        raise CostingError(f"{place}, {name}", problem, f"Use {', '.join(sorted(_VIEW_KEYS))}")
    titles = str(data.get("title_zh", name)), str(data.get("title_en", name))
    more = str(data.get("source", "")), str(data.get("note", ""))
    elements = _lines(place, name, "element", data["element"])
    return View(name, *titles, *more, elements, _lines(place, name, "centre", data.get("centre", [])))


def _lines(place: str, name: str, axis: str, data: Any) -> tuple[ViewLine, ...]:
    lines: list[ViewLine] = []
    for number, entry in enumerate(data, 1):
        where = f"{place}, {name}.{axis} {number}"
        strange = set(entry) - _LINE_KEYS
        if strange:
            raise CostingError(where, f"keys {', '.join(sorted(strange))} are not known", f"Use {sorted(_LINE_KEYS)}")
        code, match = str(entry.get("id", "")), entry.get("match")
        if not code or code == UNMAPPED or any(line.id == code for line in lines):
            raise CostingError(
                where, f"the id {code!r} is missing, taken or reserved", "Give each line an id of its own"
            )
        if not isinstance(match, list) or not match or not all(isinstance(m, str) and m for m in match):
            raise CostingError(where, f"match is {match!r}", 'Give a list of names or patterns, e.g. ["personnel:*"]')
        titles = str(entry.get("title_zh", code)), str(entry.get("title_en", code))
        capital, more = bool(entry.get("capital", False)), (str(entry.get("source", "")), str(entry.get("note", "")))
        lines.append(ViewLine(code, *titles, tuple(match), capital, *more))
    return tuple(lines)


def _find(lines: tuple[ViewLine, ...], names: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Number of the line of each name; the number of lines where none matches."""
    answer = []
    for name in names:
        folded = name.casefold()
        exact = [n for n, line in enumerate(lines) if folded in (m.casefold() for m in line.match)]
        patterns = [n for n, line in enumerate(lines) if any(fnmatchcase(folded, m.casefold()) for m in line.match)]
        answer.append((exact or patterns or [len(lines)])[0])
    return np.array(answer, np.int64)


def _groups(costs: CaseCosts, by: str | None) -> tuple[npt.NDArray[np.int64], dict[str, npt.NDArray[np.object_]]]:
    """Group of each object, and the columns that name a group."""
    import pandas as pd

    if by is None:
        return np.zeros(len(costs.objects), np.int64), {}
    if by not in costs.objects:
        raise CostingError("by", f"there is no column {by!r}", f"Use one of {', '.join(costs.objects.columns)}")
    if by in GROUPS:
        rows = case_rows(costs.objects, by)
        return rows.number, {by: np.array(rows.groups, object), "status": np.array(rows.statuses, object)}
    codes, names = pd.factorize(costs.objects[by].astype(object), sort=True)
    return np.where(codes < 0, len(names), codes).astype(np.int64), {by: np.array([*names, None], object)}


def _sum(key: npt.NDArray[np.int64], fen: Fen, column: npt.NDArray[np.int64], rows: int, columns: int) -> Fen:
    by_line = np.zeros((fen.shape[0], columns), np.int64)
    for n, target in enumerate(column):
        by_line[:, target] += fen[:, n]
    return add_rows(key, by_line, rows)


def _unmapped(
    costs: CaseCosts,
    row: npt.NDArray[np.int64],
    element: npt.NDArray[np.int64],
    centre: npt.NDArray[np.int64],
    lines: tuple[int, int],
) -> Any:
    """What no line of the view matches; a number of lines says so in element and centre."""
    import pandas as pd

    rows: list[tuple[str, str, float]] = []
    for axis, names, missing, fen in (
        ("element", costs.elements, element == lines[0], costs.cost[row].sum(axis=0)),
        ("centre", costs.centre_groups, centre == lines[1], _by_group(costs, row)),
    ):
        rows += [(axis, names[n], fen[n] / 100) for n in np.flatnonzero(missing) if fen[n]]
    return pd.DataFrame(rows, columns=["axis", "name", "cost"])


def _by_group(costs: CaseCosts, row: npt.NDArray[np.int64]) -> Fen:
    amounts = costs.cost[row].sum(axis=1, keepdims=True)
    return add_rows(costs.row_group[row], amounts, len(costs.centre_groups))[:, 0]


def _present(order: list[str], have: list[str]) -> list[str]:
    """The names there are: in the given order, then others by name, unmapped last."""
    others = sorted(name for name in have if name not in order and name != UNMAPPED)
    return [name for name in [*order, *others, UNMAPPED] if name in have]
