"""The durable state of one root: lock, journal, store, generations, state, history, settings."""
