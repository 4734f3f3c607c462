"""What sin(omega B A) / sqrt(m n) tends to as m and n grow: the singular values of an integral operator.

Read kernels.py (one coordinate), staircase.py (products of its values), entries.py (an initializer), and for entries of
other laws entry_laws.py, covariances.py and columns.py.
"""
