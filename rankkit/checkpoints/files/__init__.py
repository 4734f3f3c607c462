"""Files that hold tensors, behind one interface."""
