//! What goes on: `watch` and `logs -f`, across a daemon that is killed and started again.

use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::cli::{Cli, Running};
use crate::support::daemon::wait_until;

/// Reads events until one fits; all of them are collected.
fn until_event(
    watching: &mut Running,
    events: &mut Vec<Value>,
    what: &str,
    fits: impl Fn(&Value) -> bool,
) {
    watching.until(what, |line| {
        let event: Value = serde_json::from_str(line).unwrap();
        let found = fits(&event);
        events.push(event);
        found
    });
}

fn became(event: &Value, session: &str, status: &str) -> bool {
    event["type"] == "session_status_changed"
        && event["data"]["session_id"] == session
        && event["data"]["new_status"] == status
}

#[test]
fn events_come_once_across_a_killed_daemon() {
    let cli = Cli::new();
    cli.ok(&["daemon", "start"]);
    let mut watching = cli.start(&["watch", "--json"]);
    let mut events = Vec::new();
    // A first event says that it watches.
    let first = launch_until_seen(&cli, &mut watching, &mut events);
    let script = "TOUCH begun\nWAITFILE go\nTEXT after";
    let second = cli.launch(script);
    until_event(&mut watching, &mut events, "the second runs", |event| {
        became(event, &second, "running")
    });
    cli.kill_daemon();
    std::fs::write(cli.work().join("go"), "").unwrap();
    cli.ok(&["daemon", "start"]);
    until_event(&mut watching, &mut events, "the second is done", |event| {
        became(event, &second, "completed")
    });
    // What was told before and after is each stored event once, in order.
    let stored: Vec<i64> = events
        .iter()
        .filter(|event| event["type"] != "session_updated" && event["type"] != "message_delta")
        .map(|event| event["seq"].as_i64().unwrap())
        .collect();
    assert!(stored.is_sorted_by(|a, b| a < b), "{stored:?}");
    for (session, status) in [
        (&first, "completed"),
        (&second, "running"),
        (&second, "completed"),
    ] {
        let times = events
            .iter()
            .filter(|event| became(event, session, status))
            .count();
        assert_eq!(times, 1, "{status}");
    }
    watching.signal(Signal::INT);
    watching.wait();
}

/// Launches a session and waits until its end is seen.
fn launch_until_seen(cli: &Cli, watching: &mut Running, events: &mut Vec<Value>) -> String {
    // Whoever watches has a number to go on from once it is connected: launch when it is.
    wait_until("it is connected", || {
        let path = format!("/proc/{}/net/unix", watching.pid());
        let table = std::fs::read_to_string(path).ok()?;
        let socket = cli.socket().display().to_string();
        let served = table.lines().filter(|line| line.ends_with(&socket)).count();
        // One that listens, one accepted connection.
        (served > 1).then_some(())
    });
    let id = cli.launch("WAITFILE first\nTEXT x");
    std::fs::write(cli.work().join("first"), "").unwrap();
    until_event(watching, events, "the first is done", |event| {
        became(event, &id, "completed")
    });
    id
}

#[test]
fn watching_prints_rows_for_a_pipe() {
    let cli = Cli::new();
    let id = cli.launch("WAITFILE go\nTEXT x");
    let mut watching = cli.start(&["watch"]);
    // It watches from its connection on, so what it misses before is said again and again.
    let row = wait_until("a row", || {
        let title = serde_json::json!({ "session_id": id, "title": "new" });
        cli.call("updateSessionTitle", title);
        watching.line_if_any()
    });
    let columns: Vec<&str> = row.split('\t').collect();
    assert!(columns[0].parse::<jiff::Timestamp>().is_ok(), "{row}");
    assert_eq!(columns[1], id, "{row}");
    watching.signal(Signal::INT);
    watching.wait();
}

#[test]
fn followed_logs_go_on_across_a_killed_daemon_and_end_with_the_session() {
    let cli = Cli::new();
    let id = cli.launch("TEXT before\nWAITFILE go\nTEXT after");
    let mut following = cli.start(&["logs", &id[..8], "-f"]);
    following.until("what was said", |line| line == "    before");
    cli.kill_daemon();
    std::fs::write(cli.work().join("go"), "").unwrap();
    cli.ok(&["daemon", "start"]);
    following.until("what is said then", |line| line == "    after");
    cli.ok(&["end", &id]);
    let said = following.wait();
    let told = said.ok();
    for words in ["    before\n", "    after\n"] {
        assert_eq!(told.matches(words).count(), 1, "{words:?} in {told}");
    }
}

#[test]
fn followed_raw_lines_go_on_and_stop_at_ctrl_c() {
    let cli = Cli::new();
    let id = cli.launch("TEXT before\nWAITFILE go\nTEXT after");
    let mut following = cli.start(&["logs", &id[..8], "-f", "--raw"]);
    following.until("what was said", |line| line.contains(r#""text":"before""#));
    std::fs::write(cli.work().join("go"), "").unwrap();
    following.until("the result", |line| line.contains(r#""type":"result""#));
    following.signal(Signal::INT);
    following.wait();
    assert_eq!(cli.session(&id)["live"], true);
}

#[test]
fn the_logs_of_an_ended_session_do_not_wait() {
    let cli = Cli::new();
    let id = cli.launch("TEXT all");
    cli.until_status(&id, "completed");
    cli.ok(&["end", &id]);
    cli.until_over(&id);
    for arguments in [vec!["logs", &id, "-f"], vec!["logs", &id, "-f", "--raw"]] {
        assert!(cli.ok(&arguments).contains("all"));
    }
}

/// Stands between a client and the daemon: whoever connects is passed on. Once cut, all connections are
/// gone, and every other new one is lost at once, as one to a daemon that is just dying.
struct Between {
    is_cut: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<UnixStream>>>,
}

impl Between {
    fn start(at: &Path, daemon: PathBuf) -> Self {
        let listener = UnixListener::bind(at).unwrap();
        let (is_cut, streams) = (
            Arc::<AtomicBool>::default(),
            Arc::<Mutex<Vec<_>>>::default(),
        );
        let between = Self {
            is_cut: Arc::clone(&is_cut),
            streams: Arc::clone(&streams),
        };
        std::thread::spawn(move || {
            let mut since_the_cut = 0;
            for client in listener.incoming() {
                let client = client.unwrap();
                since_the_cut += i32::from(is_cut.load(Ordering::SeqCst));
                if since_the_cut % 2 == 1 {
                    continue;
                }
                let server = UnixStream::connect(&daemon).unwrap();
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
                streams.lock().unwrap().extend([client, server]);
            }
        });
        between
    }

    fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

#[test]
fn followed_logs_go_on_when_the_first_new_connection_is_lost_as_well() {
    let cli = Cli::new();
    let id = cli.launch("TEXT before\nWAITFILE go\nTEXT after");
    let socket = cli.root().join("between.sock");
    let between = Between::start(&socket, cli.socket());
    let path = socket.to_str().unwrap();
    let mut following = cli.start(&["--daemon-socket", path, "logs", &id[..8], "-f"]);
    following.until("what was said", |line| line == "    before");
    between.cut();
    std::fs::write(cli.work().join("go"), "").unwrap();
    following.until("what is said then", |line| line == "    after");
    cli.ok(&["end", &id]);
    following.wait().ok();
}
