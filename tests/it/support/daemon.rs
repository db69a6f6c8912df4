//! The real daemon in a directory of its own, and a raw JSON-RPC client to talk to it.
//!
//! The daemon is `humanlayer --headless`. Its sessions' runners are separate processes, so a test
//! kills and restarts the daemon as it likes; what is left when a test ends is killed.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use humanlayer::platform;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::asker::Asker;
use super::scripted_agent;

/// How long anything that must happen may take; these machines are slow at times.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Polls until `found` gives something; fails with what was waited for.
pub fn wait_until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A user without any rights.
pub const NOBODY: u32 = 65534;

/// Gives a directory and all in it to a user.
fn give_to(path: &Path, user: u32) {
    std::os::unix::fs::lchown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_to(&entry.unwrap().path(), user);
        }
    }
}

/// A daemon, which can be killed and started again on the same state.
pub struct Daemon {
    root: TempDir,
    child: Option<Child>,
    asker: Mutex<Option<Asker>>,
    /// Whose the daemon is, if not the test's.
    user: Option<u32>,
    environment: Vec<(String, String)>,
}

impl Daemon {
    /// A daemon whose agents are the scripted agent.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// The same, with further environment (which the agents get too).
    pub fn with(environment: &[(&str, &str)]) -> Self {
        let mut daemon = Self::prepare(environment);
        daemon.launch(&[]);
        daemon
    }

    /// The same as another, unprivileged user where the test is root's, as agents are in life.
    pub fn unprivileged() -> Self {
        Self::unprivileged_with(&[])
    }

    /// The same with further environment.
    pub fn unprivileged_with(environment: &[(&str, &str)]) -> Self {
        let mut daemon = Self::prepare(environment);
        if rustix::process::geteuid().is_root() {
            daemon.user = Some(NOBODY);
            give_to(daemon.root(), NOBODY);
        }
        daemon.launch(&[]);
        daemon
    }

    /// The same in a home of its own, with further environment; `prepare` makes what is to be there, given the directory of all.
    pub fn unprivileged_in_a_home(
        environment: &[(&str, &str)],
        prepare: impl FnOnce(&Path),
    ) -> Self {
        let mut daemon = Self::prepare(environment);
        let home = daemon.root().join("home");
        fs::create_dir(&home).unwrap();
        // Isolated agents do not see the directory of temporary files around it.
        scripted_agent::program_in(&home);
        for (name, value) in &mut daemon.environment {
            let own = daemon.root.path().join("claude");
            if name == "HUMANLAYER_CLAUDE_PATH" && *value == own.display().to_string() {
                *value = home.join("claude").display().to_string();
            }
        }
        daemon
            .environment
            .push(("HOME".to_owned(), home.display().to_string()));
        fs::set_permissions(daemon.root(), PermissionsExt::from_mode(0o755)).unwrap();
        prepare(daemon.root());
        if rustix::process::geteuid().is_root() {
            daemon.user = Some(NOBODY);
            give_to(daemon.root(), NOBODY);
        }
        daemon.launch(&[]);
        daemon
    }

    /// A program as the daemon's user.
    pub fn as_its_user(&self, program: &str) -> Command {
        match self.user {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={user}"))
                    .arg(format!("--regid={user}"))
                    .args(["--clear-groups", program]);
                command
            }
        }
    }

    /// All but the process: state directory, work directory, scripted agent.
    pub fn prepare(environment: &[(&str, &str)]) -> Self {
        let root = tempfile::Builder::new().prefix("hl").tempdir().unwrap();
        for dir in ["state", "work"] {
            fs::create_dir(root.path().join(dir)).unwrap();
        }
        fs::set_permissions(root.path().join("state"), PermissionsExt::from_mode(0o700)).unwrap();
        scripted_agent::program_in(root.path());
        let mut owned: Vec<(String, String)> = vec![
            (
                "HUMANLAYER_CLAUDE_PATH".to_owned(),
                root.path().join("claude").display().to_string(),
            ),
            ("HUMANLAYER_LOG_LEVEL".to_owned(), "debug".to_owned()),
            // Tests run side by side: no port unless a test chooses one.
            ("HUMANLAYER_DAEMON_HTTP_PORT".to_owned(), "0".to_owned()),
        ];
        for (name, value) in environment {
            owned.retain(|(other, _)| other != name);
            owned.push(((*name).to_owned(), (*value).to_owned()));
        }
        Self {
            root,
            child: None,
            asker: Mutex::default(),
            user: None,
            environment: owned,
        }
    }

    /// Starts the process and waits until it answers.
    pub fn launch(&mut self, environment: &[(&str, &str)]) {
        self.spawn(environment);
        wait_until("the daemon answers", || {
            if let Some(status) = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().unwrap())
            {
                panic!("the daemon ended with {status}: {}", self.log());
            }
            UnixStream::connect(self.socket()).ok()
        });
    }

    /// The user that the daemon runs as, where that is not the test's own.
    pub fn user(&self) -> Option<u32> {
        self.user
    }

    /// Starts the process and does not wait.
    pub fn spawn(&mut self, environment: &[(&str, &str)]) {
        assert!(self.child.is_none(), "a daemon runs already");
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.root.path().join("log"))
            .unwrap();
        let mut command = self.command();
        // The system ends and continues a group of processes in which one is stopped when another one loses its parent:
        // other tests' processes must not be in the group of a daemon that stops itself.
        if environment
            .iter()
            .any(|(_, value)| value.ends_with(":stop"))
        {
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
        }
        let child = command
            .arg("--headless")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// The binary under test, set up for this daemon: for CLI verbs.
    pub fn command(&self) -> Command {
        let mut command = match self.user {
            None => Command::new(scripted_agent::binary()),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={user}"))
                    .arg(format!("--regid={user}"))
                    .args(["--clear-groups", scripted_agent::binary()]);
                command
            }
        };
        command
            .env_remove("HUMANLAYER_SESSION_ID")
            .env_remove("HUMANLAYER_RUN_ID")
            .env_remove("HUMANLAYER_FAILPOINT")
            .env_remove("HUMANLAYER_SCRIPTED_AGENT_SCRIPT")
            .env("HUMANLAYER_DAEMON_SOCKET", self.socket())
            .env("HUMANLAYER_DATABASE_PATH", self.database())
            .env("XDG_CONFIG_HOME", self.root.path().join("config"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.work());
        command
    }

    /// Sets a variable for what is started from here on.
    pub fn set_environment(&mut self, name: &str, value: &str) {
        self.environment.retain(|(other, _)| other != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Makes the same commands as [`Self::command`] where the daemon is not at hand.
    pub fn maker_of_commands(&self) -> impl Fn() -> Command + Send + Sync + 'static {
        let like = self.command();
        let owned = |text: &std::ffi::OsStr| text.to_owned();
        let program = owned(like.get_program());
        let arguments: Vec<_> = like.get_args().map(owned).collect();
        let directory = self.work();
        let environment: Vec<_> = like
            .get_envs()
            .map(|(name, value)| (owned(name), value.map(owned)))
            .collect();
        move || {
            let mut command = Command::new(&program);
            command.args(&arguments).current_dir(&directory);
            for (name, value) in &environment {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
            command
        }
    }

    /// A shell script in the same surroundings.
    pub fn script_with_env(&self, script: &str) -> Command {
        let like = self.command();
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(self.work());
        for (name, value) in like.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// SIGKILL, as if the machine had no mercy; waits until it is gone.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("a daemon runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits until the process ends by itself (or by a failpoint); gives its exit status.
    pub fn wait(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().expect("a daemon runs");
        wait_until("the daemon ends", || child.try_wait().unwrap())
    }

    /// How the process ended, if it has by itself; then another one may be started.
    pub fn try_wait(&mut self) -> Option<std::process::ExitStatus> {
        let status = self.child.as_mut()?.try_wait().unwrap()?;
        self.child = None;
        Some(status)
    }

    /// Whether a process was started and its end was not seen yet.
    pub fn is_started(&self) -> bool {
        self.child.is_some()
    }

    /// SIGTERM without waiting.
    pub fn ask_to_stop(&self) {
        let pid = rustix::process::Pid::from_raw(self.pid().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// SIGTERM, and waits until it is gone.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        self.ask_to_stop();
        self.wait()
    }

    /// SIGKILL and a new process.
    /// Sets what the next start is given in its environment.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.launch(&[]);
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("a daemon runs").id()
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Where agents work.
    pub fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    pub fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    pub fn socket(&self) -> PathBuf {
        self.state().join("daemon.sock")
    }

    pub fn database(&self) -> PathBuf {
        self.state().join("daemon.db")
    }

    pub fn session_dir(&self, session_id: &str) -> PathBuf {
        self.state().join("sessions").join(session_id)
    }

    /// What the daemon wrote to stderr so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.root.path().join("log")).unwrap_or_default()
    }

    /// The end of that, without the noise of the test's own polling.
    fn last_of_log(&self) -> String {
        let log = self.log();
        let telling = |line: &&str| !line.contains("a connection ended");
        let mut last: Vec<&str> = log.lines().rev().filter(telling).take(50).collect();
        last.reverse();
        last.join("\n")
    }

    /// A new connection.
    pub fn connect(&self) -> Client {
        Client::connect(&self.socket())
    }

    /// One call on a connection of its own; fails on an error answer.
    pub fn call(&self, method: &str, params: Value) -> Value {
        // Who asks for a session has not asked before.
        if !Asker::makes(method, &params) || method == "createApproval" {
            return self.connect().call(method, params);
        }
        let mut asker = self.asker.lock().unwrap();
        let asker = asker.get_or_insert_with(|| Asker::start(&self.socket()));
        let answer = asker.ask(method, &params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Launches a session with approvals on; the query is the scripted agent's script.
    pub fn launch_session(&self, query: &str) -> String {
        self.launch_session_with(json!({"query": query}))
    }

    /// The same with further parameters.
    pub fn launch_session_with(&self, params: Value) -> String {
        let mut all = json!({"approvals": true, "working_dir": self.work()});
        for (name, value) in params.as_object().unwrap() {
            all[name] = value.clone();
        }
        self.call("launchSession", all)["session_id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub fn session(&self, id: &str) -> Value {
        self.call("getSessionState", json!({"session_id": id}))["session"].clone()
    }

    /// Waits until a session has a status.
    pub fn until_status(&self, id: &str, status: &str) -> Value {
        let mut last = Value::Null;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            last = self.session(id);
            if last["status"] == status {
                return last;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!(
            "session {id} did not become {status}: {last:#}\n{}",
            self.last_of_log()
        );
    }

    /// Waits until a session's process is over and all of it is stored.
    pub fn until_over(&self, id: &str) -> Value {
        wait_until("the session's process is over", || {
            // The directory goes last: what is told after that is final.
            if self.session_dir(id).exists() {
                return None;
            }
            let session = self.session(id);
            (session["live"] == false).then_some(session)
        })
    }

    /// Waits until a session has something pending; gives the oldest.
    pub fn until_pending(&self, id: &str) -> Value {
        wait_until("something is pending", || {
            self.pending(id).into_iter().next()
        })
    }

    pub fn pending(&self, id: &str) -> Vec<Value> {
        self.call("fetchApprovals", json!({"session_id": id}))["approvals"]
            .as_array()
            .unwrap()
            .clone()
    }

    /// Decides; gives the whole answer.
    pub fn decide(&self, approval: &Value, params: Value) -> Value {
        let mut all = json!({"approval_id": approval["id"]});
        for (name, value) in params.as_object().unwrap() {
            all[name] = value.clone();
        }
        self.call("sendDecision", all)
    }

    /// Approves on a daemon that may die of it before it has answered.
    pub fn approve_ignoring_crash(&self, approval: &Value) {
        let params = json!({"approval_id": approval["id"], "decision": "approve"});
        self.call_to_the_death("sendDecision", &params);
    }

    /// Calls a daemon that may die of it before it has answered.
    pub fn call_to_the_death(&self, method: &str, params: &Value) {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut client = self.connect();
        client.send(&call.to_string());
        let mut line = String::new();
        let _ = client.reader.read_line(&mut line);
    }

    pub fn approve(&self, approval: &Value) -> Value {
        let answer = self.decide(approval, json!({"decision": "approve"}));
        assert_eq!(answer["success"], true, "{answer}");
        answer
    }

    pub fn conversation(&self, id: &str) -> Vec<Value> {
        self.call("getConversation", json!({"session_id": id}))["events"]
            .as_array()
            .unwrap()
            .clone()
    }

    /// All lines of the agent that are stored, in order.
    pub fn raw_lines(&self, id: &str) -> Vec<(u64, String)> {
        let mut lines: Vec<(u64, String)> = Vec::new();
        loop {
            let after = lines.last().map(|(offset, _)| *offset);
            let page = self.call(
                "getRawLines",
                json!({"session_id": id, "after": after, "limit": 1000}),
            );
            let page = page["lines"].as_array().unwrap().clone();
            if page.is_empty() {
                return lines;
            }
            lines.extend(page.iter().map(|line| {
                (
                    line["offset"].as_u64().unwrap(),
                    line["line"].as_str().unwrap().to_owned(),
                )
            }));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        kill_runners(&self.state());
    }
}

/// Kills the runners and agents below a state directory: they outlive a daemon by design, but must
/// not outlive a test.
pub fn kill_runners(state: &Path) {
    let Ok(entries) = fs::read_dir(state.join("sessions")) else {
        return;
    };
    for entry in entries.flatten() {
        let state = fs::read(entry.path().join("runner.json")).unwrap_or_default();
        let state: Value = serde_json::from_slice(&state).unwrap_or_default();
        let pids = [&state["runner_pid"], &state["agent_pid"]];
        let pids = pids.into_iter().filter_map(Value::as_i64);
        // What an agent left behind is below its runner as long as that lives.
        let below = pids
            .clone()
            .filter_map(|pid| u32::try_from(pid).ok())
            .flat_map(platform::descendants)
            .map(i64::from);
        for pid in below.collect::<Vec<_>>().into_iter().chain(pids) {
            if let Some(pid) = i32::try_from(pid)
                .ok()
                .and_then(rustix::process::Pid::from_raw)
            {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

/// One connection to a daemon.
pub struct Client {
    socket: PathBuf,
    reader: BufReader<UnixStream>,
    next_id: u64,
}

impl Client {
    pub fn connect(socket: &Path) -> Self {
        let stream = wait_until("the socket accepts", || UnixStream::connect(socket).ok());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            socket: socket.to_owned(),
            reader: BufReader::new(stream),
            next_id: 1,
        }
    }

    /// A call that must succeed.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        let answer = self.ask(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// A call that must fail; gives the error.
    pub fn fail(&mut self, method: &str, params: Value) -> Value {
        let answer = self.ask(method, params);
        assert!(answer.get("result").is_none(), "{method}: {answer}");
        answer["error"].clone()
    }

    /// A call; gives the whole answer. What only programs that ask call is called by one.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        if Asker::makes(method, &params) {
            return Asker::start(&self.socket).ask(method, &params);
        }
        let id = self.next_id;
        self.next_id += 1;
        self.send(
            &json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string(),
        );
        loop {
            let answer = self.receive();
            if answer["id"] == id {
                return answer;
            }
        }
    }

    /// Sends a line as it is.
    pub fn send(&mut self, line: &str) {
        let mut stream = self.reader.get_ref();
        stream.write_all(line.as_bytes()).unwrap();
        stream.write_all(b"\n").unwrap();
    }

    /// The next line, whatever it is.
    pub fn receive(&mut self) -> Value {
        let mut line = String::new();
        let read = self.reader.read_line(&mut line).expect("an answer in time");
        assert!(read > 0, "the daemon closed the connection");
        serde_json::from_str(&line).unwrap()
    }
}
