"""The pytest plugin: YAML experiments as tests, fixtures, and failure texts. `plugin` imports the rest lazily."""
