"""The report on two runs: what differs in their settings, and by how much their predictors rank differently."""
