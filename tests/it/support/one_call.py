"""Makes one call: one_call.py SOCKET METHOD PARAMS; prints the daemon's answer."""

import json
import socket
import sys

path, method, params = sys.argv[1:4]
with socket.socket(socket.AF_UNIX) as daemon:
    daemon.connect(path)
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": json.loads(params)}
    daemon.sendall(json.dumps(request).encode() + b"\n")
    print(daemon.makefile().readline(), end="")
