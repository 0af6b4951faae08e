"""What a calendar page shows: entries redacted for the viewer, and where they lie on the page. No HTML, no requests."""
