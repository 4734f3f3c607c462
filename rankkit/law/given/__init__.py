"""Given factors, drawn or trained: measured under a rule, or predicted from their aligned columns and from blocks."""
