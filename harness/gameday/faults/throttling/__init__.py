"""What `throttle` reduces, one file for each service."""
