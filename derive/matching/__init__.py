"""Which rule is this text? Roles, hyperparameters and repairs are guessed; what is said of them is proved."""

from derive.matching.identify import identify_text
from derive.matching.match import Match
from derive.matching.mending.faults import Fault
from derive.matching.texts import check_text

__all__ = ["Fault", "Match", "check_text", "identify_text"]
