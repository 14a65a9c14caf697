"""Weight decay: coupled and decoupled, what it does to a parameter, and what it rests at."""
