"""Every method on one task: the class of a WordNet gloss, read by MiniLM-L6 with an adapter."""
