"""Stability on quadratics: what a rule does on f = h theta^2 / 2, where each gradient is h times the queried point."""
