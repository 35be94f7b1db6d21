"""Discharge front pages (住院病案首页) of every dialect -> case table, with evidence of what was cleaned."""

from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA, OF_WHICH

__all__ = ["FRONT_PAGE_SCHEMA", "OF_WHICH"]
