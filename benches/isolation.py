#!/usr/bin/env python3
"""What isolation adds to a launch: usage: benches/isolation.py HUMANLAYER AGENT [ROUNDS]

Starts a daemon in a home of its own, and launches the scripted agent (AGENT, of examples/scripted_agent) by turns
with and without isolation.
Prints the time from the call to its answer, and to the end of the agent's turn, with their ratio; and what
the processes of one isolated session keep in memory beside the agent. Run it as an ordinary user.
"""
import json, os, signal, socket, statistics, subprocess, sys, tempfile, time

program, agent = (os.path.abspath(word) for word in sys.argv[1:3])
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 40


class Client:
    def __init__(self, path):
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.connect(path)
        self.lines = self.stream.makefile()

    def call(self, method, **params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self.stream.sendall((json.dumps(request) + "\n").encode())
        answer = json.loads(self.lines.readline())
        if "error" in answer:
            sys.exit("%s: %s" % (method, answer["error"]["message"]))
        return answer["result"]


def launch(client, work, isolation):
    begun = time.monotonic()
    made = client.call("launchSession", query="TEXT x", isolation=isolation, working_dir=work)
    answered = time.monotonic()
    while True:
        session = client.call("getSessionState", session_id=made["session_id"])["session"]
        if session["status"] == "completed":
            break
        if session["status"] == "failed":
            sys.exit(session["error_message"])
        time.sleep(0.0005)
    ended = time.monotonic()
    memory = keeps(made["session_id"]) if isolation else 0
    client.call("endSession", session_id=made["session_id"])
    return answered - begun, ended - begun, memory


def keeps(session):
    """Proportional memory, in KB, of the processes that isolate a session."""
    total = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = open("/proc/%s/cmdline" % pid).read().split("\0")
            if words[1:2] == ["__isolate"] and session in open("/proc/%s/environ" % pid).read():
                rollup = open("/proc/%s/smaps_rollup" % pid).read()
                total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        except OSError:
            continue
    return total


with tempfile.TemporaryDirectory(prefix="hl") as root:
    home, work = os.path.join(root, "home"), os.path.join(root, "home", "work")
    os.makedirs(work)
    # Where isolated agents find it.
    own, claude = os.path.join(home, "humanlayer"), os.path.join(home, "claude")
    subprocess.run(["cp", program, own], check=True)
    subprocess.run(["cp", agent, claude], check=True)
    env = dict(os.environ, HOME=home, HUMANLAYER_CLAUDE_PATH=claude, HUMANLAYER_DAEMON_HTTP_PORT="0", HUMANLAYER_LOG_LEVEL="warn")
    daemon = subprocess.Popen([own, "--headless"], env=env, cwd=work, stderr=subprocess.DEVNULL)
    try:
        path = os.path.join(home, ".humanlayer", "daemon.sock")
        while not os.path.exists(path):
            time.sleep(0.01)
        client = Client(path)
        times = {True: [], False: []}
        for _ in range(rounds):
            for isolation in times:
                times[isolation].append(launch(client, work, isolation))
        for index, name in enumerate(["answer to the launch", "end of the first turn"]):
            without, within = (statistics.median(t[index] for t in times[i]) * 1000 for i in (False, True))
            print("%s: %.1f ms, isolated %.1f ms, ratio %.2f" % (name, without, within, within / without))
        memory = [t[2] for t in times[True] if t[2]]
        if memory:
            print("beside the agent: %.1f MB" % (statistics.median(memory) / 1000))
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()
