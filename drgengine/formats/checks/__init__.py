"""Logic checks (逻辑校验) of cleaned cases: sex, age, dates, required codes; nothing is changed."""

from drgengine.formats.checks.logic import check_logic

__all__ = ["check_logic"]
