"""Ports for servers that a test starts."""

import socket


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens at; held together, so that they differ."""
    held = [socket.socket() for _ in range(count)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports
