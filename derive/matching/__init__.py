"""Which rule is this text? Roles, hyperparameters and repairs are guessed; what is said of them is proved."""
