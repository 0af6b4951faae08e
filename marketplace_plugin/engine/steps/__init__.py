"""The steps of one pass, in the order of ``run.py``: settle, pull, recall, plan, intend and push, commit."""
