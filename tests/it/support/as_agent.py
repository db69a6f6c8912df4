"""What an agent's shell could try, to answer the questions of its own session.

    as_agent.py SOCKET SESSION ANSWERS [--go FILE] [--orphan]

Waits for a question of the session to be pending (with --go: and for that file), tries
everything that would get it answered, and leaves the daemon's answers in ANSWERS, a JSON
object from the attempt's name to the answer. With --orphan it does so from a process in a
session of its own whose parents are gone.
"""

import json
import os
import socket
import sys
import time


def call(path, method, params):
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.connect(path)
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        daemon.sendall(json.dumps(request).encode() + b"\n")
        return json.loads(daemon.makefile().readline())


def become_an_orphan():
    if os.fork():
        os._exit(0)
    os.setsid()
    parent = os.getpid()
    if os.fork():
        os._exit(0)
    while os.getppid() == parent:
        time.sleep(0.005)


def pending(path, session):
    while True:
        try:
            answer = call(path, "fetchApprovals", {"session_id": session})
            if answer["result"]["approvals"]:
                return answer["result"]["approvals"][0]
        except (OSError, ValueError):
            pass  # The daemon is being restarted.
        time.sleep(0.01)


def main():
    path, session, answers = sys.argv[1:4]
    options = sys.argv[4:]
    if "--orphan" in options:
        become_an_orphan()
    if "--go" in options:
        go = options[options.index("--go") + 1]
        while not os.path.exists(go):
            time.sleep(0.01)
    approval = pending(path, session)["id"]
    approve = {"approval_id": approval, "decision": "approve"}
    settings = {"session_id": session}
    launch = {"query": "TEXT hi", "working_dir": "/"}
    attempts = {
        "approve": ("sendDecision", approve),
        "deny": ("sendDecision", dict(approve, decision="deny", comment="x")),
        "skip": (
            "updateSessionSettings",
            dict(settings, dangerously_skip_permissions=True),
        ),
        "edits": ("updateSessionSettings", dict(settings, auto_accept_edits=True)),
        "launch_skipping": (
            "launchSession",
            dict(launch, approvals=True, dangerously_skip_permissions=True),
        ),
        "launch_bypassing": (
            "launchSession",
            dict(launch, permission_mode="bypassPermissions"),
        ),
        "launch_allowing": ("launchSession", dict(launch, allowed_tools=["Bash"])),
    }
    told = {name: call(path, *attempt) for name, attempt in attempts.items()}
    with open(answers + ".part", "w") as file:
        json.dump(told, file)
    os.rename(answers + ".part", answers)


main()
