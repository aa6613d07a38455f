"""Workloads for the twin with hidden dependencies planted in them, and cured: what `gameday matrix` must find."""
