"""The report tables of the national norm (成本报表) as data, Parquet and workbook."""
