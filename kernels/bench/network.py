"""The parameter list of a real network: tensors of very different sizes."""

from __future__ import annotations

# GPT-2 small (Radford et al. 2019): what stands once, and what stands in each of its blocks, as shapes.
WIDTH, BLOCKS, WORDS, POSITIONS = 768, 12, 50257, 1024
ONCE = ((WORDS, WIDTH), (POSITIONS, WIDTH), (WIDTH,), (WIDTH,))
EACH = (
    *[(WIDTH,)] * 2, (WIDTH, 3 * WIDTH), (3 * WIDTH,), (WIDTH, WIDTH), (WIDTH,),
    *[(WIDTH,)] * 2, (WIDTH, 4 * WIDTH), (4 * WIDTH,), (4 * WIDTH, WIDTH), (WIDTH,),
)  # fmt: skip


def gpt2(divided: int = 1) -> tuple[int, ...]:
    """The elements of every parameter of GPT-2 small: 148 tensors, 124,439,808 elements.

    Each is divided by a whole number, and has one element at least: as many tensors, in less memory.
    """
    shapes = (*ONCE, *EACH * BLOCKS)
    return tuple(max(1, shape[0] * (shape[1] if len(shape) > 1 else 1) // divided) for shape in shapes)
