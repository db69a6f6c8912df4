//! Runners as real processes with small scripts for agents. What format 1
//! promises is asked of both the program and the frozen `runner.py`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what went wrong by failing"
)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use humanlayer::platform;
use humanlayer::runner::frame::{NackReason, Reply, Request, Signal};
use humanlayer::runner::{
    ExitReport, FORMAT, RunnerState, STDERR_LOG_SIZE, STDERR_TAIL, SessionDir, Spec, is_alive,
};
use rstest::rstest;
use rustix::process::{Pid, Signal as UnixSignal, kill_process};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Program,
    Frozen,
}
use Kind::{Frozen, Program};

fn wait_until(why: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {why}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Neither gone nor a zombie that nobody collected yet.
fn is_running(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(") ").next().unwrap().starts_with('Z'))
}

fn kill(pid: u32, signal: UnixSignal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
}

fn runner_command(kind: Kind, dir: &SessionDir) -> Command {
    let mut command = match kind {
        Program => {
            let mut command = Command::new(env!("CARGO_BIN_EXE_humanlayer"));
            command.arg("__runner");
            command
        }
        Frozen => {
            let mut command = Command::new("python3");
            command.arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/fixtures/runner-v1/runner.py"
            ));
            command
        }
    };
    command.arg(dir.path()).stdin(Stdio::null());
    command
}

/// A session directory and the runner that works in it.
struct RunnerHarness {
    temp: TempDir,
    dir: SessionDir,
    runner: Child,
}

impl RunnerHarness {
    fn start(kind: Kind, program: &str, args: &[&str]) -> Self {
        Self::start_with(kind, program, args, |_| {})
    }

    fn start_with(
        kind: Kind,
        program: &str,
        args: &[&str],
        change: impl FnOnce(&mut Spec),
    ) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let dir = SessionDir::new(temp.path());
        let mut spec = Spec {
            format: FORMAT,
            session_id: "test".into(),
            program: program.into(),
            args: args.iter().map(ToString::to_string).collect(),
            env: vec![("PATH".into(), std::env::var("PATH").unwrap())],
            cwd: temp.path().into(),
            grace_ms: Some(300),
            daemon_lock: None,
            isolation: None,
            umask: None,
        };
        change(&mut spec);
        spec.write(&dir).unwrap();
        let runner = runner_command(kind, &dir).spawn().unwrap();
        Self { temp, dir, runner }
    }

    fn sh(kind: Kind, script: &str) -> Self {
        Self::start(kind, "sh", &["-c", script])
    }

    fn file(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn connect(&self) -> Client {
        Client::connect(&self.dir.socket())
    }

    fn agent_pid(&self) -> u32 {
        let mut pid = None;
        wait_until("the agent runs", || {
            pid = RunnerState::read(&self.dir)
                .unwrap()
                .and_then(|s| s.agent_pid);
            pid.is_some()
        });
        pid.unwrap()
    }

    fn wait_for_output(&self, text: &str) {
        wait_until(text, || {
            fs::read_to_string(self.dir.journal()).is_ok_and(|all| all.contains(text))
        });
    }

    fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the runner ends", || {
            status = self.runner.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    fn end(&mut self) -> ExitReport {
        assert!(self.wait().success());
        assert!(!self.dir.socket().exists(), "the socket is removed");
        assert!(!self.dir.spec().exists(), "the secrets are removed");
        assert!(!is_alive(&self.dir).unwrap());
        ExitReport::read(&self.dir).unwrap().expect("a report")
    }

    fn journal(&self) -> String {
        fs::read_to_string(self.dir.journal()).unwrap()
    }
}

impl Drop for RunnerHarness {
    fn drop(&mut self) {
        let _ = self.runner.kill();
        let _ = self.runner.wait();
    }
}

struct Client(BufReader<UnixStream>);

impl Client {
    fn connect(path: &Path) -> Self {
        let mut socket = None;
        wait_until("the runner listens", || {
            socket = UnixStream::connect(path).ok();
            socket.is_some()
        });
        let socket = socket.unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(socket))
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    fn send(&mut self, request: &Request) {
        self.raw(request.encode().as_bytes());
    }

    fn stdin(&mut self, id: &str, line: &str) {
        self.send(&Request::Stdin {
            id: id.into(),
            line: line.into(),
        });
    }

    fn receive(&mut self) -> Reply {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        Reply::decode(line.as_bytes()).unwrap()
    }

    fn receive_exit(&mut self) -> Reply {
        loop {
            let reply = self.receive();
            if matches!(reply, Reply::Exited { .. }) {
                return reply;
            }
        }
    }
}

fn ack(id: &str, duplicate: bool) -> Reply {
    let id = id.into();
    Reply::Ack { id, duplicate }
}

fn nack(id: &str, reason: NackReason) -> Reply {
    let id = id.into();
    Reply::Nack { id, reason }
}

fn exited(code: impl Into<Option<i32>>, signal: impl Into<Option<i32>>) -> Reply {
    let (code, signal) = (code.into(), signal.into());
    Reply::Exited {
        code,
        signal,
        leftovers: false,
    }
}

#[rstest]
fn lines_arrive_once_and_in_order(#[values(Program, Frozen)] kind: Kind) {
    let mut rig = RunnerHarness::start(kind, "cat", &[]);
    let mut client = rig.connect();
    client.stdin("1", "first");
    assert_eq!(client.receive(), ack("1", false));
    client.stdin("1", "first");
    assert_eq!(client.receive(), ack("1", true));
    client.stdin("2", "sécond");
    assert_eq!(client.receive(), ack("2", false));
    drop(client);
    let mut client = rig.connect();
    client.stdin("2", "sécond");
    assert_eq!(client.receive(), ack("2", true));
    for id in 3..100 {
        client.stdin(&id.to_string(), &format!("line {id}"));
    }
    for id in 3..100 {
        assert_eq!(client.receive(), ack(&id.to_string(), false));
    }
    client.send(&Request::CloseStdin {});
    assert_eq!(client.receive(), exited(0, None));
    let report = rig.end();
    assert_eq!((report.code, report.signal), (Some(0), None));
    assert_eq!(report.error, None);
    let lines: Vec<String> = (3..100).map(|id| format!("line {id}\n")).collect();
    assert_eq!(rig.journal(), format!("first\nsécond\n{}", lines.concat()));
}

#[rstest]
fn a_line_that_waits_is_not_queued_again(#[values(Program, Frozen)] kind: Kind) {
    let mut rig = RunnerHarness::sh(kind, "while [ ! -e go ]; do sleep 0.01; done; exec cat");
    let mut client = rig.connect();
    let long = "x".repeat(1 << 20);
    client.stdin("a", &long);
    client.stdin("a", &long);
    client.send(&Request::Hello { challenge: None });
    assert!(matches!(client.receive(), Reply::Hello { .. }));
    let mut other = rig.connect();
    other.stdin("a", &long);
    other.send(&Request::Hello { challenge: None });
    assert!(matches!(other.receive(), Reply::Hello { .. }));
    fs::write(rig.file("go"), "").unwrap();
    assert_eq!(client.receive(), ack("a", false));
    assert_eq!(client.receive(), ack("a", true));
    assert_eq!(other.receive(), ack("a", true));
    client.send(&Request::CloseStdin {});
    assert_eq!(client.receive_exit(), exited(0, None));
    rig.end();
    assert_eq!(rig.journal(), long + "\n");
}

#[rstest]
fn an_agent_that_does_not_read_blocks_nothing_else(#[values(Program, Frozen)] kind: Kind) {
    let mut rig = RunnerHarness::start(kind, "sleep", &["600"]);
    let mut client = rig.connect();
    let long = "x".repeat(1 << 20);
    client.stdin("0", &long);
    for id in 1..=256 {
        client.stdin(&id.to_string(), "short");
    }
    assert_eq!(client.receive(), nack("256", NackReason::Full));
    client.send(&Request::Hello { challenge: None });
    let agent = rig.agent_pid();
    match client.receive() {
        Reply::Hello {
            format,
            runner_pid,
            agent_pid,
            exited,
            ..
        } => {
            assert_eq!((format, exited), (FORMAT, false));
            assert_eq!((runner_pid, agent_pid), (rig.runner.id(), Some(agent)));
        }
        other => panic!("{other:?}"),
    }
    client.send(&Request::Terminate { from: None });
    let mut refused = 0;
    loop {
        match client.receive() {
            Reply::Nack { reason, .. } => {
                assert_eq!(reason, NackReason::Closed);
                refused += 1;
            }
            end => {
                assert_eq!(end, exited(None, 2));
                break;
            }
        }
    }
    assert_eq!(refused, 256, "each line that waited is refused");
    assert_eq!(rig.end().signal, Some(2));
}

#[rstest]
fn the_bytes_that_wait_are_bounded(#[values(Program, Frozen)] kind: Kind) {
    let rig = RunnerHarness::start(kind, "sleep", &["600"]);
    let mut client = rig.connect();
    let long = "x".repeat(15 << 20);
    for id in ["1", "2", "3"] {
        client.stdin(id, &long);
    }
    assert_eq!(client.receive(), nack("3", NackReason::Full));
}

#[rstest]
fn bad_frames_are_answered_and_survived(#[values(Program, Frozen)] kind: Kind) {
    let mut rig = RunnerHarness::start(kind, "cat", &[]);
    let mut client = rig.connect();
    for bad in [
        &b"no json\n"[..],
        b"\n",
        b"[]\n",
        b"{\"v\":1,\"type\":\"dance\"}\n",
        b"{\"v\":2,\"type\":\"hello\"}\n",
        b"{\"v\":1,\"type\":\"stdin\",\"id\":\"1\"}\n",
        b"{\"v\":1,\"type\":\"signal\",\"signal\":\"HUP\"}\n",
        b"\xff\xfe\n",
    ] {
        client.raw(bad);
        let reply = client.receive();
        assert!(matches!(reply, Reply::Error { .. }), "{reply:?}");
    }
    client.raw(&[b'x'; (16 << 20) + 1]);
    client.raw(b"\n");
    assert!(matches!(client.receive(), Reply::Error { .. }));
    client.stdin("1", "two\nlines");
    assert_eq!(client.receive(), nack("1", NackReason::NotOneLine));
    client.stdin("1", "two\rlines");
    assert_eq!(client.receive(), nack("1", NackReason::NotOneLine));
    client.stdin("", "x");
    assert_eq!(client.receive(), nack("", NackReason::BadId));
    client.stdin(&"é".repeat(65), "x");
    assert_eq!(client.receive(), nack(&"é".repeat(64), NackReason::BadId));
    client.raw(b"{\"type\":\"stdin\",\"id\":\"1\",\"line\":\"good\",\"v\":1,\"more\":{}}\n");
    assert_eq!(client.receive(), ack("1", false));
    // Half a frame, cut off by the client's end, is nothing.
    let mut half = rig.connect();
    half.raw(b"{\"v\":1,\"type\":\"stdin\",\"id\":\"2\",\"line\":\"half\"}");
    drop(half);
    client.send(&Request::CloseStdin {});
    assert_eq!(client.receive(), exited(0, None));
    rig.end();
    assert_eq!(rig.journal(), "good\n");
}

#[rstest]
fn everyone_is_told_of_the_end(#[values(Program, Frozen)] kind: Kind) {
    let mut rig = RunnerHarness::sh(kind, "read line; echo oops >&2; exit 3");
    let (mut one, mut two) = (rig.connect(), rig.connect());
    for client in [&mut one, &mut two] {
        client.send(&Request::Hello { challenge: None });
        assert!(matches!(client.receive(), Reply::Hello { .. }));
    }
    assert!(is_alive(&rig.dir).unwrap());
    one.stdin("1", "go");
    assert_eq!(one.receive(), ack("1", false));
    assert_eq!(one.receive(), exited(3, None));
    assert_eq!(two.receive(), exited(3, None));
    let report = rig.end();
    assert_eq!((report.format, report.code), (FORMAT, Some(3)));
    assert_eq!(report.stderr_tail, "oops\n");
}

#[rstest]
#[case(Signal::Int, 2)]
#[case(Signal::Term, 15)]
#[case(Signal::Kill, 9)]
fn a_signal_reaches_the_agent(
    #[values(Program, Frozen)] kind: Kind,
    #[case] signal: Signal,
    #[case] number: i32,
) {
    let mut rig = RunnerHarness::start(kind, "sleep", &["600"]);
    let mut client = rig.connect();
    client.send(&Request::Signal { signal });
    assert_eq!(client.receive(), exited(None, number));
    assert_eq!(rig.end().signal, Some(number));
}

#[rstest]
fn a_stubborn_agent_ends_stage_by_stage(#[values(Program, Frozen)] kind: Kind) {
    let mut rig = RunnerHarness::start(
        kind,
        "python3",
        &[
            "-uc",
            "import signal\n\
             for s in (signal.SIGINT, signal.SIGTERM):\n    \
                 signal.signal(s, lambda number, frame: print(number))\n\
             print('ready')\n\
             while True: signal.pause()",
        ],
    );
    rig.wait_for_output("ready");
    let mut client = rig.connect();
    let begin = Instant::now();
    client.send(&Request::Terminate { from: None });
    client.send(&Request::Terminate { from: None });
    assert_eq!(client.receive(), exited(None, 9));
    assert!(begin.elapsed() >= Duration::from_millis(600));
    assert_eq!(rig.end().signal, Some(9));
    let journal = rig.journal();
    let lines: Vec<&str> = journal.lines().collect();
    assert_eq!(lines, ["ready", "2", "15"]);
}

#[rstest]
fn stages_can_be_skipped(#[values(Program, Frozen)] kind: Kind) {
    let mut rig = RunnerHarness::start_with(
        kind,
        "sh",
        &[
            "-c",
            "trap '' INT; trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done",
        ],
        |spec| spec.grace_ms = Some(20_000),
    );
    rig.wait_for_output("ready");
    let mut client = rig.connect();
    let begin = Instant::now();
    client.send(&Request::Terminate { from: None });
    client.send(&Request::Terminate {
        from: Some(Signal::Term),
    });
    assert_eq!(client.receive(), exited(5, None));
    assert!(begin.elapsed() < Duration::from_secs(15));
    rig.end();
}

#[rstest]
fn no_orphan_is_left(#[values(Program, Frozen)] kind: Kind) {
    let mut rig = RunnerHarness::start(
        kind,
        "python3",
        &[
            "-uc",
            "import os, signal, time\n\
             if os.fork() == 0:\n    \
                 os.setsid()\n    \
                 if os.fork() == 0:\n        \
                     signal.signal(signal.SIGTERM, signal.SIG_IGN)\n        \
                     print('orphan', os.getpid())\n        \
                     time.sleep(600)\n    \
                 os._exit(0)\n\
             while not os.path.exists('go'): time.sleep(0.01)\n\
             os._exit(4)",
        ],
    );
    rig.wait_for_output("orphan ");
    rig.wait_for_output("\n");
    let orphan: u32 = rig.journal()["orphan ".len()..].trim().parse().unwrap();
    wait_until("the runner adopts it", || {
        platform::parent_of(orphan) == Some(rig.runner.id())
    });
    fs::write(rig.file("go"), "").unwrap();
    assert_eq!(rig.end().code, Some(4));
    assert!(!is_running(orphan));
}

#[rstest]
fn an_agent_never_outlives_its_runner(#[values(Program, Frozen)] kind: Kind) {
    let mut rig = RunnerHarness::start(kind, "sleep", &["600"]);
    let agent = rig.agent_pid();
    assert!(is_running(agent));
    kill(rig.runner.id(), UnixSignal::KILL);
    assert!(!rig.wait().success());
    wait_until("the agent is dead", || !is_running(agent));
    assert!(!is_alive(&rig.dir).unwrap());
    assert_eq!(ExitReport::read(&rig.dir).unwrap(), None);
    // And the session is not started again by accident.
    let again = runner_command(kind, &rig.dir).status().unwrap();
    assert!(again.success());
    assert_eq!(ExitReport::read(&rig.dir).unwrap(), None);
}

#[rstest]
#[case(UnixSignal::TERM)]
#[case(UnixSignal::INT)]
#[case(UnixSignal::HUP)]
fn a_signal_to_the_runner_ends_the_session_in_order(
    #[values(Program, Frozen)] kind: Kind,
    #[case] signal: UnixSignal,
) {
    let mut rig = RunnerHarness::start(kind, "sleep", &["600"]);
    let mut client = rig.connect();
    client.send(&Request::Hello { challenge: None });
    assert!(matches!(client.receive(), Reply::Hello { .. }));
    kill(rig.runner.id(), signal);
    assert_eq!(client.receive(), exited(None, 2));
    assert_eq!(rig.end().signal, Some(2));
}

#[rstest]
fn a_second_runner_does_nothing(#[values(Program, Frozen)] kind: Kind) {
    let mut rig = RunnerHarness::sh(kind, "echo once; exec cat");
    let mut client = rig.connect();
    rig.wait_for_output("once");
    let agent = rig.agent_pid();
    let before = fs::read(rig.dir.state()).unwrap();
    for other in [Program, Frozen] {
        assert!(runner_command(other, &rig.dir).status().unwrap().success());
    }
    assert_eq!(fs::read(rig.dir.state()).unwrap(), before);
    assert!(is_running(agent));
    client.send(&Request::CloseStdin {});
    assert_eq!(client.receive(), exited(0, None));
    rig.end();
    for other in [Program, Frozen] {
        assert!(runner_command(other, &rig.dir).status().unwrap().success());
    }
    assert_eq!(rig.journal(), "once\n");
}

#[rstest]
fn a_probe_never_keeps_a_runner_from_starting(#[values(Program, Frozen)] kind: Kind) {
    for _ in 0..5 {
        let mut rig = RunnerHarness::start(kind, "true", &[]);
        wait_until("it has ended", || {
            is_alive(&rig.dir).unwrap();
            rig.dir.exit().exists()
        });
        assert_eq!(rig.end().code, Some(0));
    }
}

#[rstest]
fn the_agent_gets_the_stated_environment_and_no_more(#[values(Program, Frozen)] kind: Kind) {
    let mut rig = RunnerHarness::start_with(kind, "/usr/bin/env", &[], |spec| {
        spec.env = vec![("ONE".into(), "1 2".into()), ("TWO".into(), String::new())];
    });
    assert_eq!(rig.end().code, Some(0));
    assert_eq!(rig.journal(), "ONE=1 2\nTWO=\n");
}

#[rstest]
fn the_files_and_the_socket_are_private(#[values(Program, Frozen)] kind: Kind) {
    let mut rig = RunnerHarness::sh(kind, "echo out; echo err >&2; exec cat");
    let mut client = rig.connect();
    rig.wait_for_output("out");
    wait_until("stderr is there", || rig.dir.stderr_log().exists());
    for entry in fs::read_dir(rig.temp.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
    let state = RunnerState::read(&rig.dir).unwrap().unwrap();
    assert_eq!(state.runner_pid, rig.runner.id());
    let started = platform::process_start_time(rig.runner.id());
    assert_eq!(state.runner_start_time, started);
    let agent = rig.agent_pid();
    let state = RunnerState::read(&rig.dir).unwrap().unwrap();
    assert_eq!(state.agent_start_time, platform::process_start_time(agent));
    assert_eq!(state.boot_id, platform::boot_id());
    client.send(&Request::CloseStdin {});
    client.receive_exit();
    rig.end();
}

#[rstest]
fn stderr_is_bounded(#[values(Program, Frozen)] kind: Kind) {
    let mut rig = RunnerHarness::start(
        kind,
        "python3",
        &[
            "-c",
            "import sys\nfor i in range(200000): print(f'{i:09}', file=sys.stderr)",
        ],
    );
    let report = rig.end();
    assert_eq!(report.code, Some(0));
    assert_eq!(report.stderr_tail.len(), STDERR_TAIL);
    assert!(report.stderr_tail.ends_with("000199999\n"));
    let (new, old) = (
        fs::read_to_string(rig.dir.stderr_log()).unwrap(),
        fs::read_to_string(rig.dir.stderr_log_old()).unwrap(),
    );
    let limit = usize::try_from(STDERR_LOG_SIZE).unwrap();
    assert!(new.len() <= limit && old.len() <= limit);
    let kept = old + &new;
    assert!(kept.len() >= limit);
    let all: Vec<String> = (0..200_000).map(|i| format!("{i:09}\n")).collect();
    assert!(all.concat().ends_with(&kept));
}

#[rstest]
fn the_end_is_written_once_the_disk_takes_it(#[values(Program, Frozen)] kind: Kind) {
    let mut rig = RunnerHarness::sh(kind, "read line; exit 6");
    // In the way of writing the report, as a full disk would be.
    let obstacle = rig.file("exit.json.tmp");
    fs::create_dir(&obstacle).unwrap();
    let agent = rig.agent_pid();
    rig.connect().stdin("1", "go");
    wait_until("the agent is gone", || !is_running(agent));
    assert!(!rig.dir.exit().exists());
    assert!(is_alive(&rig.dir).unwrap(), "it goes on trying");
    fs::remove_dir(&obstacle).unwrap();
    assert_eq!(rig.end().code, Some(6));
}

#[rstest]
#[case::program(|spec: &mut Spec| spec.program = "/nowhere/agent".into(), "/nowhere/agent")]
#[case::on_path(|spec: &mut Spec| spec.program = "no-such-agent".into(), "no-such-agent")]
#[case::directory(|spec: &mut Spec| spec.cwd = "/nowhere/to/work".into(), "/nowhere/to/work")]
#[case::executable(|spec: &mut Spec| spec.program = "/etc/passwd".into(), "/etc/passwd")]
fn what_cannot_start_says_why(
    #[values(Program, Frozen)] kind: Kind,
    #[case] change: fn(&mut Spec),
    #[case] named: &str,
) {
    let mut rig = RunnerHarness::start_with(kind, "true", &[], change);
    let report = rig.end();
    assert_eq!((report.code, report.signal), (None, None));
    let error = report.error.unwrap();
    assert!(error.starts_with("cannot start the agent"), "{error}");
    assert!(error.contains(named), "{error}");
    let state = RunnerState::read(&rig.dir).unwrap().unwrap();
    assert_eq!(state.agent_pid, None);
}

/// As in a container, or a build machine's sandbox, that was entered without a session of its own:
/// the session that the runner begins in has no number there.
#[test]
#[allow(
    clippy::print_stderr,
    reason = "a test that could not try anything must say so"
)]
fn it_starts_where_the_session_comes_from_outside() {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--mount-proc"]);
        command
    };
    if !unshare()
        .arg("true")
        .status()
        .is_ok_and(|end| end.success())
    {
        eprintln!("may not make namespaces here");
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let dir = SessionDir::new(temp.path());
    let spec = Spec {
        format: FORMAT,
        session_id: "test".into(),
        program: "sh".into(),
        args: vec!["-c".into(), "exit 7".into()],
        env: vec![("PATH".into(), std::env::var("PATH").unwrap())],
        cwd: temp.path().into(),
        grace_ms: Some(300),
        daemon_lock: None,
        isolation: None,
        umask: None,
    };
    spec.write(&dir).unwrap();
    // Not as the namespace's first process, which is spared by signals.
    let script = r#""$0" __runner "$1"; exit $?"#;
    let ended = unshare()
        .args(["sh", "-c", script, env!("CARGO_BIN_EXE_humanlayer")])
        .arg(dir.path())
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(ended.success(), "{ended}");
    let report = ExitReport::read(&dir).unwrap().unwrap();
    assert_eq!((report.code, report.error), (Some(7), None));
}

#[rstest]
fn a_broken_spec_says_so(#[values(Program, Frozen)] kind: Kind) {
    let temp = tempfile::tempdir().unwrap();
    let dir = SessionDir::new(temp.path());
    for spec in ["{", r#"{"format":2}"#] {
        fs::write(dir.spec(), spec).unwrap();
        assert!(runner_command(kind, &dir).status().unwrap().success());
        assert!(ExitReport::read(&dir).unwrap().unwrap().error.is_some());
        assert!(!dir.spec().exists());
        fs::remove_file(dir.exit()).unwrap();
    }
}

#[rstest]
fn a_directory_longer_than_a_sockets_address_is_served_by_newer_runners(
    #[values(Program, Frozen)] kind: Kind,
) {
    let mut rig = RunnerHarness::start(kind, "true", &[]);
    rig.end();
    let long = rig.file(&"d".repeat(120));
    fs::create_dir(&long).unwrap();
    let dir = SessionDir::new(&long);
    let spec = Spec {
        format: FORMAT,
        session_id: "long".into(),
        program: "true".into(),
        args: vec![],
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        cwd: "/".into(),
        grace_ms: None,
        daemon_lock: None,
        isolation: None,
        umask: None,
    };
    spec.write(&dir).unwrap();
    assert!(runner_command(kind, &dir).status().unwrap().success());
    let report = ExitReport::read(&dir).unwrap().unwrap();
    if matches!(kind, Program) && cfg!(target_os = "linux") {
        assert_eq!((report.error, report.code), (None, Some(0)));
    } else {
        let error = report.error.unwrap();
        assert!(error.contains(dir.socket().to_str().unwrap()), "{error}");
    }
}

#[test]
fn a_client_that_does_not_read_is_dropped_and_may_come_back() {
    let mut rig = RunnerHarness::start(Program, "cat", &[]);
    let mut deaf = rig.connect();
    deaf.0.get_ref().set_write_timeout(Some(PATIENCE)).unwrap();
    let mut sent = 0_u32;
    // Far more acknowledgements than the queue and the socket hold.
    while sent < 100_000 {
        let line = Request::Stdin {
            id: sent.to_string(),
            line: "x".into(),
        };
        sent += 1;
        if deaf
            .0
            .get_mut()
            .write_all(line.encode().as_bytes())
            .is_err()
        {
            break;
        }
    }
    assert!(sent < 100_000, "it is disconnected");
    let mut client = rig.connect();
    client.stdin("0", "x");
    assert_eq!(client.receive(), ack("0", true));
    client.send(&Request::CloseStdin {});
    assert_eq!(client.receive_exit(), exited(0, None));
    rig.end();
}

#[test]
fn connections_are_bounded() {
    let rig = RunnerHarness::start(Program, "sleep", &["600"]);
    let mut clients: Vec<Client> = (0..humanlayer::runner::MAX_CLIENTS)
        .map(|_| {
            let mut client = rig.connect();
            client.send(&Request::Hello { challenge: None });
            assert!(matches!(client.receive(), Reply::Hello { .. }));
            client
        })
        .collect();
    let mut surplus = rig.connect();
    let mut line = String::new();
    assert_eq!(surplus.0.read_line(&mut line).unwrap(), 0, "closed at once");
    clients.pop();
    wait_until("there is room again", || {
        let mut client = rig.connect();
        let hello = Request::Hello { challenge: None }.encode();
        let mut line = String::new();
        client.0.get_mut().write_all(hello.as_bytes()).is_ok()
            && client.0.read_line(&mut line).is_ok_and(|read| read > 0)
    });
}

#[test]
fn a_directory_that_is_missing_is_an_error() {
    let dir = SessionDir::new("/nowhere/at/all");
    let output = runner_command(Program, &dir).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/at/all"));
}
