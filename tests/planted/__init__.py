"""Workloads for the twin with planted hidden dependencies, which `gameday matrix` must find, and their cures."""
