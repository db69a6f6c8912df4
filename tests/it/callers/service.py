"""A service: SOCKET DIRECTORY. Makes the call that is in DIRECTORY/request, each time that there is one,
and puts the answer into DIRECTORY/answer."""

import os
import socket
import sys
import time

path, directory = sys.argv[1:3]
request, answer = os.path.join(directory, "request"), os.path.join(directory, "answer")


def put(name, text):
    with open(name + ".new", "w") as file:
        file.write(text)
    os.rename(name + ".new", name)


put(os.path.join(directory, "service.pid"), str(os.getpid()))
while os.path.isdir(directory):
    if os.path.exists(request):
        with open(request) as file:
            text = file.read()
        os.remove(request)
        with socket.socket(socket.AF_UNIX) as daemon:
            daemon.connect(path)
            daemon.sendall(text.encode() + b"\n")
            put(answer, daemon.makefile().readline())
    time.sleep(0.01)
