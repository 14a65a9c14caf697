"""The search for a map between two rules, and its proof by induction."""
