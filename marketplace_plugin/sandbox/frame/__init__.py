"""What all stand-ins have around the service that they play: server, faults, control, pages by hand, clock.

Nothing in here is a behaviour of a service, so nothing in here can agree with a mistake of the client.
"""
