"""The hazard table: what Gameday does with each fault on each documented state of its target.

One file for each service holds its states, each with its source in AWS's documents. `table` puts them together.
"""
