"""What pytest users meet: YAML experiments as tests, fixtures, and failure texts; `plugin` opens it late."""
