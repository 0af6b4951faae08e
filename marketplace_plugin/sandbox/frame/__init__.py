"""What all stand-ins have around the service that they play: server, faults, control, pages by hand, clock.

Nothing in here is a behaviour of one service, so nothing in here can agree with a mistake of its client; OAuth has
what its standards say of every authorization server.
"""
