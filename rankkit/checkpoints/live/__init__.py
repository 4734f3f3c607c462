"""Live models, and PEFT's own layers: the update that a layer applies, one layer in memory at a time."""
