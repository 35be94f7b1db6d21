"""Logic checks (逻辑校验) of cleaned cases: sex, age, dates, charges, required codes; nothing is changed."""
