"""The comparison: what EMIFF gains over its baselines, what each of its blocks brings, and how it bears errors."""
