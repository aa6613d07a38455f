"""What the judgements promise, measured by simulation through the functions that ship: `python -m tests.calibrate`."""
