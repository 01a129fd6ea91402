"""Number-for-number comparison with recordings of the authors' implementation (golden files)."""
