"""YAML text becomes a Bundle, bundles become a Catalog. Reads files; knows nothing of forges or machines.

`catalog.resolve` is what a machine asks, `lint.lint` what an author asks, `provenance.provenance` what `explain`
asks, and `machine.read_machine` reads the settings. Nothing is imported here, so that asking one costs only that one.
"""
