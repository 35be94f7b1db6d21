"""Cleaning with evidence (数据清洗留痕): every value that is mended, doubtful or lost is reported with its row."""

from drgengine.formats.cleaning.result import Cleaned, CleanedCodes

__all__ = ["Cleaned", "CleanedCodes"]
