"""Planted faults: what the tests must catch. `python -m tests.mutants` plants each in a copy and runs its tests."""
