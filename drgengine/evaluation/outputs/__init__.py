"""Result files of a yearly evaluation (结果文件): tables, workbook, books, decisions, manifest."""
