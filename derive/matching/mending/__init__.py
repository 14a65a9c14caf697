"""Faults: the smallest repair after which a text is proved to be the rule."""
