"""Settlement lists (医疗保障基金结算清单, interface 4101) -> case table."""
