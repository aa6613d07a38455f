"""A fault, a KPI source and a check that Gameday does not have itself."""
