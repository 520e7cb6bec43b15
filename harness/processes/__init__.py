"""Worker processes: how they start, how they end, and what dead ones leave behind."""
