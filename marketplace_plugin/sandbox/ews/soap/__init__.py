"""The messages: names, versions, envelopes and refusals."""
