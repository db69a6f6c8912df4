"""An agent that takes what the daemon has: SOCKET ANSWERS HOW.

HOW is `connections` (opens as many as it gets, and keeps them), `refused` (makes calls that are refused,
again and again), `halves` (sends half a line over each of many connections, and keeps them), or `questions` (asks
again and again). ANSWERS gets a JSON object.
"""

import json
import os
import socket
import sys
import time

path, answers, how = sys.argv[1:4]


def call(daemon, method, params, number=1):
    request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    daemon.sendall(json.dumps(request).encode() + b"\n")


def connect():
    daemon = socket.socket(socket.AF_UNIX)
    daemon.connect(path)
    return daemon, daemon.makefile()


def tell(told):
    with open(answers + ".new", "w") as file:
        json.dump(told, file)
    os.rename(answers + ".new", answers)


if how == "connections":
    held, refusal = [], None
    for _ in range(1100):
        try:
            daemon, lines = connect()
            call(daemon, "listSessions", {})
            answer = json.loads(lines.readline() or "{}")
        except OSError:
            continue
        if "result" in answer:
            held.append((daemon, lines))
        else:
            refusal = answer or refusal
    tell({"held": len(held), "refusal": refusal})
    time.sleep(600)
elif how == "halves":
    held, refusals = [], []
    for _ in range(30):
        daemon, lines = connect()
        daemon.settimeout(20)
        try:
            daemon.sendall(b'{"jsonrpc": "2.0", "x": "' + b"x" * (12 << 20))
            held.append(daemon)
        except OSError:
            refusals.append(json.loads(lines.readline() or "{}"))
    # What is small is answered nonetheless.
    daemon, lines = connect()
    call(daemon, "listSessions", {})
    tell({"held": len(held), "refusals": refusals, "last": json.loads(lines.readline())})
    time.sleep(600)
elif how == "refused":
    daemon, lines = connect()
    for number in range(20000):
        call(daemon, "sendDecision", {"approval_id": "x", "decision": "approve"}, number)
        answer = json.loads(lines.readline())
    tell({"last": answer})
elif how == "questions":
    daemon, lines = connect()
    asked, answer = 0, None
    for number in range(1200):
        params = {
            "run_id": os.environ["HUMANLAYER_RUN_ID"],
            "tool_name": "Bash",
            "tool_input": {"command": f"echo {number}"},
        }
        call(daemon, "createApproval", params, number)
        answer = json.loads(lines.readline())
        if "result" in answer:
            asked += 1
    tell({"asked": asked, "last": answer})
