"""The way to an Exchange server and back: SOAP over HTTPS, what a refusal means, and the names of the schema."""
