"""What the speed of kernels is measured against."""
