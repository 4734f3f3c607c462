"""What m rows and n columns show of the limit: equations for the weights of rows and columns, and counts from them.

Read self_consistent.py (how the equations are solved), products.py (uniform entries), radial.py (Gaussian entries),
mixed.py (columns of different laws), crossings.py (rows that lie close together) and edge.py (the largest value).
"""
