//! The binary as a user types it, in a home of its own.
//!
//! No daemon is started here: the commands do that themselves, as they do for a user. Whatever
//! they leave running (the detached daemon, its runners and their agents) is killed with the home.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::daemon::{Client, PATIENCE, kill_runners, wait_until};
use super::scripted_agent;

/// A user's home, in which commands are typed.
pub struct Cli {
    root: TempDir,
}

/// What a command came to.
#[derive(Debug)]
pub struct Said {
    /// Its exit code; -1 after a signal.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Cli {
    /// A fresh home; the agent that is found is the scripted agent.
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("hl").tempdir().unwrap();
        for dir in ["home", "work", "agents"] {
            fs::create_dir(root.path().join(dir)).unwrap();
        }
        scripted_agent::program_in(root.path());
        Self { root }
    }

    /// The binary with nothing in its environment but what a user of this home has.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.dressed(scripted_agent::binary(), arguments)
    }

    /// Any program in the same surroundings.
    pub fn dressed(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("HUMANLAYER_CLAUDE_PATH", self.root.path().join("claude"))
            .env("HUMANLAYER_LOG_LEVEL", "debug")
            .env("HUMANLAYER_DAEMON_HTTP_PORT", "0")
            .env("HUMANLAYER_SCRIPTED_AGENT_STATE", self.agent_state())
            .current_dir(self.work());
        command
    }

    /// Runs a verb to its end.
    pub fn run(&self, arguments: &[&str]) -> Said {
        finish(self.command(arguments), "")
    }

    /// Runs a verb that must succeed; gives its standard output.
    pub fn ok(&self, arguments: &[&str]) -> String {
        self.run(arguments).ok()
    }

    /// Runs a verb that must succeed and print JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ok(arguments);
        serde_json::from_str(&text).unwrap_or_else(|cause| panic!("{arguments:?}: {cause}: {text}"))
    }

    /// Runs a verb that must fail with this code; gives what it complains about.
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        self.run(arguments).failed(code)
    }

    /// Starts a verb that goes on.
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(arguments))
    }

    /// Launches a session and gives its id; the query is the agent's script.
    pub fn launch(&self, script: &str) -> String {
        self.ok(&["launch", script]).trim_end().to_owned()
    }

    /// Waits until a session has a question pending; gives the approval.
    pub fn until_pending(&self, session: &str) -> Value {
        wait_until("something is pending", || {
            let params = json!({ "session_id": session });
            let found = self.call("fetchApprovals", params);
            found["approvals"].as_array()?.first().cloned()
        })
    }

    /// Waits until a session has a status; gives the session.
    pub fn until_status(&self, session: &str, status: &str) -> Value {
        wait_until(&format!("the session is {status}"), || {
            let found = self.session(session);
            (found["status"] == status).then_some(found)
        })
    }

    /// Waits until a session's process has ended.
    pub fn until_over(&self, session: &str) -> Value {
        wait_until("the session's process is over", || {
            let found = self.session(session);
            (found["live"] == false).then_some(found)
        })
    }

    /// A session as the daemon tells it.
    pub fn session(&self, session: &str) -> Value {
        self.call("getSessionState", json!({ "session_id": session }))["session"].clone()
    }

    /// A call past the command line, where only its effect is looked at.
    pub fn call(&self, method: &str, params: Value) -> Value {
        Client::connect(&self.socket()).call(method, params)
    }

    /// The pid of the daemon that lives; none when none does.
    pub fn daemon_pid(&self) -> Option<i32> {
        let path = self.state().join("daemon.sock.lock");
        let lock = File::open(&path).ok()?;
        match lock.try_lock_shared() {
            Ok(()) => None,
            Err(TryLockError::WouldBlock) => fs::read_to_string(path).ok()?.trim().parse().ok(),
            Err(TryLockError::Error(cause)) => panic!("looking at {path:?}: {cause}"),
        }
    }

    /// SIGKILL to the daemon; waits until it is gone.
    pub fn kill_daemon(&self) {
        let pid = self.daemon_pid().expect("a daemon runs");
        kill_parent(pid);
        signal(pid, Signal::KILL);
        wait_until("the daemon is gone", || {
            // A dashboard may have started another one already.
            (self.daemon_pid() != Some(pid)).then_some(())
        });
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    pub fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// Where the daemon keeps everything.
    pub fn state(&self) -> PathBuf {
        self.home().join(".humanlayer")
    }

    pub fn socket(&self) -> PathBuf {
        self.state().join("daemon.sock")
    }

    /// Where the scripted agents remember their sessions.
    fn agent_state(&self) -> PathBuf {
        self.root.path().join("agents")
    }
}

impl Drop for Cli {
    fn drop(&mut self) {
        if let Some(pid) = self.daemon_pid() {
            kill_parent(pid);
            signal(pid, Signal::KILL);
        }
        kill_runners(&self.state());
    }
}

/// The process that would start another daemon when this one dies.
pub fn parent_of_daemon(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let parent = stat.rsplit(')').next()?.split_ascii_whitespace().nth(1)?;
    let words = fs::read(format!("/proc/{parent}/cmdline")).ok()?;
    let words = String::from_utf8_lossy(&words).into_owned();
    words
        .contains("--detached-child")
        .then(|| parent.parse().ok())?
}

/// Kills it, so that a daemon that is killed next stays dead.
fn kill_parent(daemon: i32) {
    if let Some(parent) = parent_of_daemon(daemon) {
        signal(parent, Signal::KILL);
    }
}

impl Said {
    /// It succeeded; its standard output.
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }

    /// It failed with this code; its standard error.
    pub fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.stderr
    }
}

/// Runs a command to its end with this standard input.
pub fn finish(command: Command, input: &str) -> Said {
    let mut running = Running::start(command);
    running.type_in(input);
    running.wait()
}

/// Sends a signal; who is gone already needs none.
pub fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

/// A command that goes on.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    stderr: Receiver<String>,
    seen: String,
}

impl Running {
    /// Starts it with pipes for all three streams.
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = in_lines(child.stdout.take().unwrap());
        let stderr = in_lines(child.stderr.take().unwrap());
        Self {
            child,
            lines,
            stderr,
            seen: String::new(),
        }
    }

    /// Writes all of its standard input and closes it.
    pub fn type_in(&mut self, input: &str) {
        let mut stdin = self.child.stdin.take().expect("nothing was typed in yet");
        // It may not want to read it.
        let _ = stdin.write_all(input.as_bytes());
    }

    /// Reads on until a line of its output fits; gives that line without its end.
    pub fn until(&mut self, what: &str, mut fits: impl FnMut(&str) -> bool) -> String {
        loop {
            let Some(line) = self.line() else {
                panic!("the output ended before {what}; it was:\n{}", self.seen);
            };
            if fits(&line) {
                return line;
            }
        }
    }

    /// The next line of its output; none at its end.
    pub fn line(&mut self) -> Option<String> {
        let line = next(&self.lines, &self.seen)?;
        self.seen.push_str(&line);
        Some(line.trim_end_matches('\n').to_owned())
    }

    /// The next line if it comes within a moment.
    pub fn line_if_any(&mut self) -> Option<String> {
        let line = self.lines.recv_timeout(Duration::from_millis(20)).ok()?;
        self.seen.push_str(&line);
        Some(line.trim_end_matches('\n').to_owned())
    }

    /// Sends it a signal.
    pub fn signal(&self, which: Signal) {
        signal(i32::try_from(self.child.id()).unwrap(), which);
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Waits for its end; gives everything that it printed.
    pub fn wait(mut self) -> Said {
        // Else one that reads its input would wait for us.
        drop(self.child.stdin.take());
        while self.line().is_some() {}
        let mut stderr = String::new();
        while let Some(line) = next(&self.stderr, &stderr) {
            stderr.push_str(&line);
        }
        let status = wait_until("the command ends", || self.child.try_wait().unwrap());
        Said {
            code: status.code().unwrap_or(-1),
            stdout: std::mem::take(&mut self.seen),
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a pipe, with their ends, as they come.
fn in_lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    use std::io::{BufRead, BufReader};
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        loop {
            let mut line = Vec::new();
            match reader.read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => break,
                Ok(_) => {
                    let line = String::from_utf8(line).expect("what is printed is UTF-8");
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            }
        }
    });
    lines
}

fn next(lines: &Receiver<String>, seen: &str) -> Option<String> {
    match lines.recv_timeout(PATIENCE) {
        Ok(line) => Some(line),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => panic!("nothing came in time; so far:\n{seen}"),
    }
}
