"""Everything by which an isolated agent could get out. usage: attack.py FACTS.json RESULTS.json

Each way is tried, and what came of it is written down: a text that begins with "refused" or with "DONE".
"""
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys

facts = json.load(open(sys.argv[1]))
home, state, work = facts["home"], facts["state"], facts["work"]
results = {}
libc = ctypes.CDLL(None, use_errno=True)


def attempt(name, way):
    try:
        results[name] = "DONE %r" % (way(),)
    except (OSError, subprocess.CalledProcessError, ConnectionError) as error:
        results[name] = "refused: %s" % error


def write(path):
    def way():
        with open(path, "a") as file:
            file.write("written by an agent\n")
        return path
    return way


def read(path):
    return lambda: open(path, "rb").read(64)


def connect(address):
    def way():
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(5)
            stream.connect(address)
        return address
    return way


def shell(command):
    return lambda: subprocess.run(
        ["sh", "-c", command], check=True, capture_output=True, timeout=30
    ).stdout[-200:]


def nested(command):
    """As root of a user namespace of its own, with mounts of its own."""
    return lambda: subprocess.run(
        ["unshare", "-Urm", "sh", "-c", command], check=True, capture_output=True, timeout=30
    ).stdout[-200:]


def kill(pid):
    return lambda: os.kill(pid, signal.SIGKILL)


def trace(pid):
    def way():
        PTRACE_SEIZE = 0x4206
        if libc.ptrace(PTRACE_SEIZE, pid, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")
    return way


for path in [".bashrc", ".profile", ".claude/settings.json", ".claude/settings.local.json", ".claude/CLAUDE.md",
             ".claude.json", ".config/systemd/user/x.service", ".config/humanlayer/humanlayer.json", "new", ".local/bin/git"]:
    attempt("write ~/" + path, write(os.path.join(home, path)))
attempt("replace settings", lambda: os.rename(os.path.join(work, "f"), home + "/.claude/settings.json"))
attempt("remove settings", lambda: os.unlink(home + "/.claude/settings.json"))
attempt("move claude away", lambda: os.rename(home + "/.claude", home + "/.c"))
attempt("move repository away", lambda: os.rename(work + "/.git", work + "/.git2"))
attempt("write hook", write(work + "/.git/hooks/post-commit"))
attempt("write git config", write(work + "/.git/config"))
attempt("replace git config", lambda: os.rename(os.path.join(work, "f"), work + "/.git/config"))
for name in ["daemon.db", "daemon.key", "daemon.db.lock", "sessions", "isolated", "agents"]:
    attempt("read state " + name, lambda: os.stat(os.path.join(state, name)))
attempt("replace socket", lambda: os.unlink(os.path.join(state, "daemon.sock")))
attempt("read configuration", lambda: os.stat(facts["configuration"]))
attempt("read key", read(home + "/.ssh/id_ed25519"))
for pid in facts["pids"]:
    attempt("kill %d" % pid, kill(pid))
    attempt("trace %d" % pid, trace(pid))
    attempt("root of %d" % pid, lambda: os.listdir("/proc/%d/root" % pid))
attempt("trace first process", trace(1))
attempt("root of first process", lambda: os.listdir("/proc/1/root"))
attempt("memory of first process", read("/proc/1/mem"))
attempt("descriptors of first process", lambda: os.listdir("/proc/1/fd"))
attempt("write core pattern", write("/proc/sys/kernel/core_pattern"))
for name, path in facts["sockets"].items():
    attempt("connect " + name, connect(path))
if facts["scoped"]:
    attempt("connect abstract", connect("\0" + facts["abstract"]))
attempt("tmux", shell("tmux -S %s send-keys -t 0 'touch %s' Enter" % (facts["sockets"]["tmux"], facts["pwned"])))
attempt("default tmux", shell("tmux send-keys 'touch %s' Enter" % facts["pwned"]))
attempt("screen of the user", shell("screen -X stuff x"))
attempt("terminal", write("/dev/tty"))
for path in facts["terminals"]:
    attempt("open " + path, write(path))
attempt("remount", shell("mount -o remount,rw /"))
mask = os.path.join(state, "daemon.db")
for name, command in {
    "remount": "mount -o remount,rw / && touch " + home + "/x",
    "remount home": "mount -o remount,bind,rw " + home + " && touch " + home + "/x",
    "remount by attribute": "mount -o rw,remount,bind / && touch " + home + "/x",
    "unmount state": "umount " + state + " && cat " + mask,
    "unmount lazily": "umount -l " + state + " && cat " + mask,
    "unmount home": "umount -l " + home + " && ls -l " + state + " && cat " + mask,
    "bind without what is in it": "mount --bind " + home + " /mnt && cat /mnt/.ssh/id_ed25519",
    "bind the root": "mount --bind / /mnt && cat /mnt" + mask,
    "layer over the home": "mount -t overlay -o lowerdir=" + home + ",upperdir=/tmp,workdir=/tmp x /mnt && cat /mnt/.ssh/id_ed25519",
    "layer over the root": "mkdir /tmp/u /tmp/w; mount -t overlay -o lowerdir=/,upperdir=/tmp/u,workdir=/tmp/w x /mnt && cat /mnt" + mask,
    "move the mask": "mount --move " + state + " /mnt && cat " + mask,
    "pivot": "mount -t tmpfs x /mnt && mkdir /mnt/o && pivot_root /mnt /mnt/o && umount -l /o && cat " + mask,
    "enter the first process": "nsenter -t 1 -m -U cat " + mask,
    "enter the first process as root": "nsenter -t 1 -a cat " + mask,
    "device": "mknod /tmp/d b 254 0 && head -c 1 /tmp/d",
    "cgroup": "mkdir /sys/fs/cgroup/x",
}.items():
    attempt("nested " + name, nested(command))
os.symlink(os.path.join(home, ".bashrc"), os.path.join(work, "link"))
attempt("symbolic link", write(os.path.join(work, "link")))
attempt("hard link", lambda: os.link(os.path.join(home, ".bashrc"), os.path.join(work, "hard")))
attempt("hard link to settings", lambda: os.link(os.path.join(home, ".claude/settings.json"), os.path.join(work, "hard")))
for fd in os.listdir("/proc/self/fd"):
    path = "/proc/self/fd/" + fd
    if os.path.isdir(path) and not os.readlink(path).startswith("/proc"):
        attempt("directory " + fd, lambda: os.listdir(path))
attempt("another directory of the machine", write(facts["outside"]))
attempt("privileges", shell("su -c id || sudo -n id"))


def call(method, params):
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(20)
        stream.connect(os.path.join(state, "daemon.sock"))
        stream.sendall((json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n").encode())
        return json.loads(stream.makefile().readline())


answers = {
    "listSessions": call("listSessions", {}),
    "sendDecision": call("sendDecision", {"approval_id": facts["victim"], "decision": "approve"}),
    "launchSession elsewhere": call("launchSession", {"query": "TEXT x", "working_dir": facts["elsewhere"]}),
    "launchSession loose": call("launchSession", {"query": "TEXT x", "working_dir": work, "isolation": False}),
    "launchSession": call("launchSession", {"query": "TEXT x", "working_dir": work, "isolation": False, "agent": "claude"}),
}
# What stays inside.
with open("/dev/shm/inside-" + facts["unique"], "w") as file:
    file.write("x")
with open("/tmp/inside-" + facts["unique"], "w") as file:
    file.write("x")
inside = {
    "environment": sorted(os.environ),
    "processes": sorted(int(pid) for pid in os.listdir("/proc") if pid.isdigit()),
    "status": open("/proc/self/status").read(),
    "state": os.listdir(state),
}
part = sys.argv[2] + ".part"
json.dump({"results": results, "answers": answers, "inside": inside}, open(part, "w"))
os.rename(part, sys.argv[2])
