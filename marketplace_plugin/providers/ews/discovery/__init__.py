"""From a mail address to a mailbox: search without a password, autodiscover with one, and whose mailbox it is.

exchangelib's own autodiscover is not used: it sends the password to whatever host the mail domain names, follows
redirects anywhere, and keeps what it found in a file for the whole domain.
"""
