"""Google's OAuth 2 and OpenID Connect: sign-in pages, tokens, revocation.

Source: https://developers.google.com/identity/protocols/oauth2/web-server
"""
