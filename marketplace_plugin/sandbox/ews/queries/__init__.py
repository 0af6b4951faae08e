"""FindItem and FindFolder: what is looked for, in which order, and in which pages."""
