"""Two rules side by side: the maps under which they are one algorithm, or where they part."""

from derive.relating.relate import prove

__all__ = ["prove"]
