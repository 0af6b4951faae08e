"""The pages, one module for each group; each offers ``add(blueprint, shared)``."""
