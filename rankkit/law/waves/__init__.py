"""phi(B A) of any elementwise rule and any independent columns: phi as a sum of plane waves, each of them a product.

Read plane_waves.py (phi), bases.py (functions of one coordinate), operator.py (singular values of phi), points.py and
equations.py (what m rows and n columns show of them), and frequency.py, where all of it meets.
"""
