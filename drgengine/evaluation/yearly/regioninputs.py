"""Inputs of the region that formulas of hospitals compare with (区域数据项用于医院指标), such as residents' income."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from drgengine.evaluation.indicators import Catalogue, Indicators

ORIGIN = "region"


def region_names(catalogue: Catalogue) -> tuple[str, ...]:
    """Inputs of the table "region" that formulas of hospital indicators name."""
    formulas = (catalogue[name].formula for name in catalogue.ids("hospital"))
    names = (name for formula in formulas if formula is not None for name in formula.names)
    return tuple(dict.fromkeys(name for name in names if catalogue.inputs[name].table == "region"))


def with_region(
    inputs: pd.DataFrame, region: pd.DataFrame | None, catalogue: Catalogue
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The inputs of the hospitals with those of the region that their formulas need, and the names of these.

    A value given for a hospital stays; the region's, one row, stands where there is none.
    """
    if region is None:
        return inputs, ()
    found, shared = inputs.copy(), []
    for name in region_names(catalogue):
        if name in region.columns and region[name].notna().all():
            value = float(region[name].iloc[0])
            found[name] = inputs[name].fillna(value) if name in inputs.columns else value
            shared.append(name)
    return found, tuple(shared)


def shared_note(period: str, shared: tuple[str, ...], catalogue: Catalogue) -> tuple[str, str]:
    """The note that says so."""
    zh = "、".join(catalogue.inputs[name].zh for name in shared)
    en = ", ".join(catalogue.inputs[name].en for name in shared)
    return (
        f"{period}期医院指标所需的区域数据项（{zh}）取区域表，各机构相同，不计为医院填报数据。",
        f"Inputs of the region that hospital indicators of {period} need ({en}) come from the region's table, the same "
        "for all hospitals; they do not count as data of the hospitals.",
    )


def of_the_region(indicators: Indicators, shared: tuple[str, ...]) -> Indicators:
    """Indicators that hang on inputs of the region alone are marked with origin "region" and leave the coverage."""
    alone = []
    for name in indicators.values.columns:
        formula = indicators.catalogue[name].formula
        if formula is not None and set(formula.names) <= set(shared):
            alone.append(name)
    if not alone:
        return indicators
    origin = indicators.origin.copy()
    origin[alone] = origin[alone].where(origin[alone] != "computed", ORIGIN)
    coverage = indicators.values.drop(columns=alone).notna().mean(axis=1).rename("coverage")
    return replace(indicators, origin=origin, coverage=coverage)
