"""An agent's process that tries to approve: SOCKET ID_FILE ANSWER_FILE [--orphan] [--kill-runner].

Waits until ID_FILE names an approval, approves it over the socket and leaves the whole answer in
ANSWER_FILE. Its environment is empty. With --orphan it is in a session of its own and its parents are
gone; with --kill-runner it has killed the runner above it before.
"""

import json
import os
import signal
import socket
import sys
import time

path, id_file, answer_file = sys.argv[1:4]
options = sys.argv[4:]


def parent(pid):
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rsplit(")", 1)[1].split()[1])


def runner():
    pid = os.getpid()
    while pid > 1:
        with open(f"/proc/{pid}/cmdline") as file:
            if file.read().split("\0")[1:2] == ["__runner"]:
                return pid
        pid = parent(pid)
    return None


def become_an_orphan():
    if os.fork():
        os._exit(0)
    os.setsid()
    above = os.getpid()
    if os.fork():
        os._exit(0)
    while os.getppid() == above:
        time.sleep(0.005)


if "--clean" not in options:
    # What was seen of it at first is all that is left of the environment, so it begins anew without.
    above = runner()
    if "--orphan" in options:
        become_an_orphan()
    if "--kill-runner" in options:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.kill(above, signal.SIGKILL)
        while os.path.exists(f"/proc/{above}"):
            time.sleep(0.005)
    os.execve(sys.executable, [sys.executable, *sys.argv, "--clean"], {})

with open(answer_file + ".ready", "w") as file:
    file.write("ready")
while not os.path.exists(id_file):
    time.sleep(0.01)
with open(id_file) as file:
    approval = file.read()
request = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "sendDecision",
    "params": {"approval_id": approval, "decision": "approve"},
}
with socket.socket(socket.AF_UNIX) as daemon:
    daemon.connect(path)
    daemon.sendall(json.dumps(request).encode() + b"\n")
    answer = daemon.makefile().readline()
with open(answer_file + ".part", "w") as file:
    file.write(answer)
os.rename(answer_file + ".part", answer_file)
