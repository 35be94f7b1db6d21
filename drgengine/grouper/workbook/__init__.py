"""The authority's own configuration workbook (分组方案配置信息, .xlsx) as a scheme.

`sheets` reads the six sheets, `ruletext` their expression language, `importer` makes a scheme folder of both,
`loadreport` says line by line what became of the file.
"""
