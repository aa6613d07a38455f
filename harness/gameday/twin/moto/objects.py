"""The type of moto's own objects: moto does not type its models for use from outside."""

from __future__ import annotations

from typing import Any

Moto = Any
"""An object of moto."""
