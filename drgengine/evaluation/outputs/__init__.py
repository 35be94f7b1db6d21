"""Result files of a yearly evaluation (结果文件): tables, workbook, books, decisions, manifest."""

from drgengine.evaluation.outputs.bookfiles import file_names
from drgengine.evaluation.outputs.mainfigures import main_figures
from drgengine.evaluation.outputs.resulttables import TABLES, result_tables
from drgengine.evaluation.outputs.runmanifest import manifest_of, write_manifest
from drgengine.evaluation.outputs.writing import write_outputs

__all__ = [
    "TABLES",
    "file_names",
    "main_figures",
    "manifest_of",
    "result_tables",
    "write_manifest",
    "write_outputs",
]
