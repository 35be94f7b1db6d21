"""The yearly evaluation (年度评价): from a plan to everything the report and the tables show."""
