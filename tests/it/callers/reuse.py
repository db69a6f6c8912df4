"""Leaves a decision behind and goes: SOCKET APPROVAL. Then its number goes to another process.

Prints a line when the decision is in the daemon's socket and the process that sent it is gone, and has
given its number to a process that sleeps. The daemon is stopped meanwhile.
"""

import json
import os
import socket
import sys
import time

path, approval = sys.argv[1:3]
sender = os.fork()
if not sender:
    daemon = socket.socket(socket.AF_UNIX)
    daemon.connect(path)
    request = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "sendDecision",
        "params": {"approval_id": approval, "decision": "approve"},
    }
    daemon.sendall(json.dumps(request).encode() + b"\n")
    os._exit(0)
os.waitpid(sender, 0)
while True:
    try:
        # Where we may, the kernel is told which number comes next; else all are gone through.
        with open("/proc/sys/kernel/ns_last_pid", "w") as file:
            file.write(str(sender - 1))
    except OSError:
        pass
    pid = os.fork()
    if not pid:
        while os.getpid() == sender:
            time.sleep(60)
        os._exit(0)
    if pid == sender:
        break
    os.waitpid(pid, 0)
print("reused", flush=True)
time.sleep(60)
