"""JSON-RPC 2.0 for the machine's other programs; see `schema/openrpc.json` for its methods."""

from cockpitpm.rpc.endpoints import routes as routes
