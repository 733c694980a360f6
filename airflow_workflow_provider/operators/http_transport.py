"""Connections of the ``http`` task: the allowed addresses, and the time limit."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_TRANSLATED: Final = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))


@dataclass(frozen=True)
class AddressRule:
    """The addresses to which a request may go.

    The connection is the administrator's word: an address that it names is meant. A name that leads into a private
    network is meant only where the connection says so, because the owner of the name's zone decides where it leads.

    :param host: the connection's host
    :param private: whether its name may lead into a private network (``allow_private`` in the connection's extra)
    """

    host: str
    private: bool

    def problem(self, peer: str) -> str | None:
        """Return why a request may not go to an address that the host's name has led to."""
        address = _plain(peer)
        if self._is_named(address) or address.is_global:
            return None
        if not self.private:
            return (
                f"The name {self.host!r} leads to the private address {address}; "
                'name the address in the connection, or set "allow_private": true in its extra'
            )
        if address.is_link_local or address.is_unspecified or address.is_multicast:
            return f"The name {self.host!r} leads to {address}, which is allowed only if the connection names it"
        return None

    def _is_named(self, address: IPv4Address | IPv6Address) -> bool:
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return address.is_loopback
        try:
            ip_address(self.host)
        except ValueError:
            return False
        return True


def _plain(peer: str) -> IPv4Address | IPv6Address:
    """Return the address that is really meant, out of an IPv6 address that carries an IPv4 one."""
    address = ip_address(peer.partition("%")[0])
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and any(address in network for network in _TRANSLATED):
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


class Watch:
    """Looks at each connection when it is made, and cuts it when the time is over.

    The address is looked at after the connection stands and before anything is sent, so there is no moment in which a
    name could lead elsewhere.
    """

    def __init__(self, rule: AddressRule | None) -> None:
        self._rule = rule
        self._sockets: list[socket.socket] = []
        self._ends: float | None = None
        self.refused: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return self._ends is not None and time.monotonic() >= self._ends

    def made(self, connected: socket.socket) -> socket.socket:
        """Return a connection that stands, once its address was looked at.

        :raises OSError: nothing may be sent there
        """
        problem = self._rule.problem(str(connected.getpeername()[0])) if self._rule is not None else None
        if problem is not None:
            connected.close()
            self.refused = problem
            raise OSError(problem)
        # TLS takes the socket over; a second handle of it can still be cut.
        self._sockets.append(connected.dup())
        return connected

    @contextmanager
    def over_after(self, seconds: float) -> Iterator[None]:
        """Cut the connections after a time, unless the context has ended before."""
        self._ends = time.monotonic() + seconds
        timer = threading.Timer(seconds, self.cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            for each in self._sockets:
                each.close()

    def cut(self) -> None:
        """Cut the connections now."""
        for each in list(self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class Adapter(HTTPAdapter):
    """Makes connections that a watch looks at."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Have connections made that the watch looks at."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._watch)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Have those to a proxy looked at, too."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _pools(self._watch)
        return manager


def _pools(watch: Watch) -> dict[str, Any]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return watch.made(super()._new_conn())

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return watch.made(super()._new_conn())

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
