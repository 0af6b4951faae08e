"""Step 5: recalled cases become steps; what has no link yet is adopted, paired, or made on the other side."""
