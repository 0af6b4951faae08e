"""Stand-ins of the services over real HTTP, for tests and for ``make run``.

Nothing here imports the rest of the package: a stand-in that shared code with the client
would agree with the client's mistakes.
"""
