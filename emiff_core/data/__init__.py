"""Data on the way to the network: images prepared, data sets read, scenes made."""
