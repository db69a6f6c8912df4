"""Calls the daemon from where it runs: SOCKET CALLS ANSWERS.

CALLS is a file with a JSON list of [method, params]; ANSWERS gets the list of whole answers. The
text "$ID" in a later call's parameters stands for the approval_id of the first answer.
"""

import json
import os
import socket
import sys

path, calls, answers = sys.argv[1:4]
done = []
with open(calls) as file:
    wanted = json.load(file)
for method, params in wanted:
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    if done:
        text = text.replace("$ID", str(done[0].get("result", {}).get("approval_id")))
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.connect(path)
        daemon.sendall(text.encode() + b"\n")
        done.append(json.loads(daemon.makefile().readline()))
with open(answers + ".new", "w") as file:
    json.dump(done, file)
os.rename(answers + ".new", answers)
