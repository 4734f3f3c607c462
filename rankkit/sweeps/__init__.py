"""Sweeps: a plan is measured chunk by chunk, kept in a store, and gathered into one record."""
