"""One step in the small statement form, and the way from there to a `Rule`."""
