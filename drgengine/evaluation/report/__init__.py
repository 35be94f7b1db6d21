"""The annual report (年度评价报告): one HTML file that needs no network, and a small one per hospital book."""

from drgengine.evaluation.report.bookpages import write_books
from drgengine.evaluation.report.page import write_report

__all__ = ["write_books", "write_report"]
