"""What an agent with a key could try over HTTP: PORT KEY ANSWERS.

Asks, looks, and answers its own request; leaves what came back in ANSWERS. With ORPHAN in its
environment it does so from a process in a session of its own whose parents are gone; with HIDE it does
not let others see which files it has open; with THREAD its connection is in the table of a thread only.
"""

import ctypes
import http.client
import json
import os
import sys
import threading

port, key, answers = sys.argv[1:4]

if os.environ.get("ORPHAN"):
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
if os.environ.get("HIDE"):
    PR_SET_DUMPABLE = 4
    assert ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0


def ask(method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
    headers = {"Authorization": "Bearer " + key}
    connection.request(method, "/humanlayer/v1" + path, body and json.dumps(body), headers)
    answer = connection.getresponse()
    return {"status": answer.status, "body": answer.read().decode()}


def main():
    if os.environ.get("THREAD"):
        CLONE_FILES = 0x400
        assert ctypes.CDLL(None).unshare(CLONE_FILES) == 0
    spec = {"fn": "own_call", "kwargs": {}}
    done = {
        "ask": ask("POST", "/function_calls", {"run_id": "own-run", "call_id": "own", "spec": spec}),
        "look": ask("GET", "/function_calls/own"),
        "respond": ask("POST", "/agent/function_calls/own/respond", {"approved": True}),
    }
    with open(answers + ".new", "w") as file:
        json.dump(done, file)
    os.rename(answers + ".new", answers)


worker = threading.Thread(target=main)
worker.start()
worker.join()
