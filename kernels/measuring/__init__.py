"""What a kernel computes beside what it should: bits, rounding errors and special values on a zoo of inputs."""
