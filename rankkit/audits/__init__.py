"""Audits: what trained adapters apply, module by module, and what follows from it."""
