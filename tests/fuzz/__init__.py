"""Fuzz every command with every kind of file: `python -m tests.fuzz --minutes 10 --seed 1`."""
