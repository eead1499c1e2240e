"""A Plan becomes an Outcome: fetch, transaction, converge, recovery. Every effect is journalled."""
