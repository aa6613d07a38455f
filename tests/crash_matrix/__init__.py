"""The crash matrix: every fault, with the process dying at every step, restored from the journal; see `__main__`."""
