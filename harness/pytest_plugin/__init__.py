"""What pytest users meet: YAML experiments as tests, fixtures, and failure texts. `_gameday_pytest` opens it late."""
