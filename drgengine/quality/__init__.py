"""Data quality report (数据质量报告): what an export holds, what was mended, what hurts most and what to do."""

from drgengine.quality.collect import QualityCollector
from drgengine.quality.page import page_html, write_page
from drgengine.quality.result import QualityReport

__all__ = ["QualityCollector", "QualityReport", "page_html", "write_page"]
