"""Guesses, put in order by names and by runs: who is who in a text. What is true is decided elsewhere."""
