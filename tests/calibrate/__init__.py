"""Measure what the judgements promise, by simulation through the shipped functions: `python -m tests.calibrate`."""
