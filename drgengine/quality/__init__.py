"""Data quality report (数据质量报告): what an export holds, what was mended, what hurts most and what to do."""
