"""Books (科室与医师分册): departments beside those of peers, physicians masked, small cells suppressed."""

from drgengine.evaluation.books.assemble import DEPARTMENT_COLUMNS, OTHERS, PHYSICIAN_COLUMNS, make_books

__all__ = ["DEPARTMENT_COLUMNS", "OTHERS", "PHYSICIAN_COLUMNS", "make_books"]
