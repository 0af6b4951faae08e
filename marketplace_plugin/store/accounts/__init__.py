"""Who uses what: installations, connections and their leases, grants, collections, tokens of the API."""
