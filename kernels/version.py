"""The generator's name and version, as kernels state them."""

from __future__ import annotations

VERSION = "0.1.0"
GENERATOR = f"derive-kernels {VERSION}"
