"""Readers: one family of formats each; `table` holds them all and asks them in order."""
