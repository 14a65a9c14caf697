"""Pasted code to the statements of one step: what frameworks, objects, loops and indices put around it, taken off."""
