"""A small vision transformer whose MLPs are of low rank, or a sine of low rank."""
