"""Step 3: the pages of every collection, what they bring in, and where that went which is not there any more."""
