"""A name server for tests and for ``make run``: UDP on the loopback address, and it knows what it is told.

Names of a mail domain's services lead to the stand-ins; everything else does not exist. Source: RFC 1035, RFC 2782.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping, Sequence

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

TTL = 60
_WAKE = b""  # what ends the thread: no question is empty


class NameServer:
    """``records``: name and type, ``("mail.example.org", "A")``, to the texts of the records, as in a zone file."""

    def __init__(self, records: Mapping[tuple[str, str], Sequence[str]]) -> None:
        self.records = dict(records)
        self.asked: list[tuple[str, str]] = []
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def address(self) -> str:
        """``127.0.0.1:53531`` while it is running. Raises RuntimeError otherwise."""
        if self._socket is None:
            raise RuntimeError("the name server is not running")
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def start(self) -> str:
        """Serve at a free port in the background; its address."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread.start()
        return self.address

    def stop(self) -> None:
        if self._socket is None:
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(_WAKE, self._socket.getsockname())
        self._thread.join(timeout=5)
        self._socket.close()
        self._socket = None

    def _serve(self) -> None:
        here = self._socket
        while here is not None:
            data, sender = here.recvfrom(4096)
            if data == _WAKE:
                return
            try:
                here.sendto(self._answer(dns.message.from_wire(data)).to_wire(), sender)
            except dns.exception.DNSException:
                continue

    def _answer(self, question: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(question)
        reply.flags |= dns.flags.AA
        (asked,) = question.question
        name, kind = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, kind))
        if texts := self.records.get((name, kind)):
            reply.answer.append(dns.rrset.from_text(asked.name, TTL, "IN", kind, *texts))
        elif not any(known == name for known, _ in self.records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply
