"""What moto's own objects are to us: its models are not typed for use from outside."""

from __future__ import annotations

from typing import Any

Moto = Any
"""An object of moto's."""
