"""A grid of trainings: read from a plan file, spread over cores, each kept whole or not at all, told as CSV files."""
