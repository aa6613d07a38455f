"""Gameday: proves that an AWS workload survives failure."""

__version__ = "0.1.0"
