"""What carries the requests: TLS with a CA of its own, HTTP with kept connections, Basic and NTLM."""
