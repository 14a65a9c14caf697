"""Weight decay: coupled and decoupled, what it does to a parameter, and where it rests."""

from derive.deriving.decay.coupled import coupled_decay
from derive.deriving.decay.decoupled import decoupled_decay
from derive.deriving.decay.noise import noise_equilibrium
from derive.deriving.decay.range import decayed_range

__all__ = ["coupled_decay", "decayed_range", "decoupled_decay", "noise_equilibrium"]
