"""The pages and captions on trainings, held to the committed tables: `python -m experiments.said`."""
