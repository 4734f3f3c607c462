"""The version, written once: the build and everything that names its version read it here."""

__all__ = ["__version__"]

__version__ = "0.1.0"
