"""Around the service: the HTTP server, the batch endpoint, pages for editing by hand, the control endpoint."""
