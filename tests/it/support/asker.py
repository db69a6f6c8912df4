"""A program that asks: asker.py SOCKET. Each line of its input is a request as JSON, which it makes on a
connection of its own; each line of its output is the whole answer."""

import socket
import sys

for line in sys.stdin:
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.connect(sys.argv[1])
        daemon.sendall(line.encode())
        print(daemon.makefile().readline(), end="", flush=True)
