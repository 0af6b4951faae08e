"""Microsoft 365 by Microsoft Graph v1.0: one account as a ``Provider``.

``errors`` what a refusal means; ``transport`` how requests get there; ``shape`` the two shapes and the way between them
(pure); ``read``, ``changes``, ``write`` the requests.
"""
