"""Exact algebra under the proofs: cases, signs, roots and fractions of polynomials."""
