//! A daemon of the release binary in a directory of its own, and clients of it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::agent;

/// How long anything may take before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// Polls until something is so.
pub fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A state directory and, while it runs, its daemon.
pub struct Daemon {
    root: TempDir,
    child: Option<Child>,
    /// Where it serves HTTP; 0 is nowhere.
    http_port: u16,
}

impl Daemon {
    /// The directory, whose agents are this program.
    pub fn prepare() -> Self {
        let root = tempfile::Builder::new().prefix("hl").tempdir().unwrap();
        for dir in ["state", "work"] {
            fs::create_dir(root.path().join(dir)).unwrap();
        }
        let private = PermissionsExt::from_mode(0o700);
        fs::set_permissions(root.path().join("state"), private).unwrap();
        let this = std::env::current_exe().unwrap();
        let agent = root.path().join("claude");
        let script = format!(
            "#!/bin/sh\nexec '{}' {} \"$@\"\n",
            this.display(),
            agent::WORD
        );
        fs::write(&agent, script).unwrap();
        fs::set_permissions(&agent, PermissionsExt::from_mode(0o755)).unwrap();
        Self {
            root,
            child: None,
            http_port: 0,
        }
    }

    /// Has it serve HTTP, from its next start on.
    pub fn serve_http_at(&mut self, port: u16) {
        self.http_port = port;
    }

    pub fn start() -> Self {
        let mut daemon = Self::prepare();
        daemon.launch();
        daemon
    }

    /// Starts the process; returns when it has answered that it is well.
    pub fn launch(&mut self) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.root.path().join("log"))
            .unwrap();
        let child = self
            .command()
            .arg("--headless")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let deadline = Instant::now() + PATIENCE;
        let stream = loop {
            match UnixStream::connect(self.socket()) {
                Ok(stream) => break stream,
                Err(_) => assert!(Instant::now() < deadline, "no daemon: {}", self.log()),
            }
            std::thread::sleep(Duration::from_micros(200));
        };
        let health = Client::over(stream).call("health", json!({}));
        assert_eq!(health["status"], "ok", "{health}");
    }

    /// The binary, set up for this directory.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_humanlayer"));
        command
            .env_remove("HUMANLAYER_SESSION_ID")
            .env_remove("HUMANLAYER_RUN_ID")
            .env("HUMANLAYER_DAEMON_SOCKET", self.socket())
            .env("HUMANLAYER_DATABASE_PATH", self.database())
            .env("HUMANLAYER_CLAUDE_PATH", self.root.path().join("claude"))
            .env("HUMANLAYER_DAEMON_HTTP_PORT", self.http_port.to_string())
            .env("XDG_CONFIG_HOME", self.root.path().join("config"))
            .current_dir(self.root.path().join("work"));
        command
    }

    /// SIGTERM, and waits until it is gone.
    pub fn stop(&mut self) {
        let mut child = self.child.take().expect("a daemon runs");
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        child.wait().unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("a daemon runs").id()
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    pub fn socket(&self) -> PathBuf {
        self.root.path().join("state/daemon.sock")
    }

    pub fn database(&self) -> PathBuf {
        self.root.path().join("state/daemon.db")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.root.path().join("log")).unwrap_or_default()
    }

    pub fn connect(&self) -> Client {
        Client::over(UnixStream::connect(self.socket()).unwrap())
    }

    /// Launches a session whose agent does this task.
    pub fn session(&self, task: &str) -> String {
        let params = json!({"query": task, "approvals": true,
            "working_dir": self.root.path().join("work")});
        let launched = self.connect().call("launchSession", params);
        launched["session_id"].as_str().unwrap().to_owned()
    }

    /// The process that answers on the socket; none while nobody does.
    pub fn pid_of_health(&self) -> Option<Value> {
        let mut stream = UnixStream::connect(self.socket()).ok()?;
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": "health", "params": {}});
        stream.write_all(format!("{request}\n").as_bytes()).ok()?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).ok()?;
        let answer: Value = serde_json::from_str(&line).ok()?;
        Some(answer["result"]["pid"].clone())
    }

    pub fn until_status(&self, session: &str, status: &str) {
        let mut client = self.connect();
        wait_until(&format!("session {session} is {status}"), || {
            let state = client.call("getSessionState", json!({"session_id": session}));
            state["session"]["status"] == status
        });
    }

    /// The processes of all sessions: runner and agent.
    pub fn processes(&self) -> Vec<(u32, u32)> {
        let sessions = fs::read_dir(self.root.path().join("state/sessions"));
        let states = sessions
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let text = fs::read(entry.path().join("runner.json")).ok()?;
                let state: Value = serde_json::from_slice(&text).ok()?;
                let pid = |name: &str| u32::try_from(state[name].as_u64()?).ok();
                Some((pid("runner_pid")?, pid("agent_pid")?))
            });
        states.collect()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        // Sessions outlive their daemon by design; a benchmark's must not.
        for (runner, agent) in self.processes() {
            for pid in [runner, agent] {
                if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
        }
    }
}

/// One connection.
pub struct Client {
    reader: BufReader<UnixStream>,
    line: Vec<u8>,
    id: u64,
}

impl Client {
    pub fn over(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            reader: BufReader::with_capacity(64 * 1024, stream),
            line: Vec::new(),
            id: 0,
        }
    }

    /// A call that must succeed.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.send(method, &params);
        let answer: Value = serde_json::from_slice(self.receive()).unwrap();
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    pub fn send(&mut self, method: &str, params: &Value) {
        self.id += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params});
        let mut stream = self.reader.get_ref();
        stream.write_all(format!("{request}\n").as_bytes()).unwrap();
    }

    /// The next line, as it came.
    pub fn receive(&mut self) -> &[u8] {
        self.line.clear();
        let read = self.reader.read_until(b'\n', &mut self.line);
        assert!(read.expect("a line in time") > 0, "the daemon hung up");
        &self.line
    }

    /// Subscribes; from here on only [`Client::receive`] makes sense.
    pub fn subscribe(mut self, params: Value) -> Self {
        self.call("subscribeEvents", params);
        self
    }
}
