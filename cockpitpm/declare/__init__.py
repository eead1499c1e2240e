"""YAML text becomes a Bundle, bundles become a Catalog. Reads files; knows nothing of forges or machines."""
