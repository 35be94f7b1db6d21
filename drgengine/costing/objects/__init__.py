"""Departments, visits, bed-days, items (科室、诊次、床日、项目), and whether all agree with the ledger."""
