"""A kernel at work: its machine code loaded and kept, its arguments checked, its elements divided among threads."""
