"""The occupancy of a mesh, learned by a network of coordinates: low rank against a sine of low rank."""
