"""What goes wrong with a rule in a floating-point format: found from its operations, confirmed by running them."""
