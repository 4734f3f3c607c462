"""The script of the README trains when it is imported: it is run by its test, not collected for doctests."""

collect_ignore = ["train_a_sine.py"]
