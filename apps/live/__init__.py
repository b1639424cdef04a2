"""The live page: a server on loopback, and the page itself in `static`."""
