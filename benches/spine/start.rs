//! Starting: the daemon from nothing, and a question to a daemon that runs; beside tmux, whose
//! users know what a fast server feels like.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::daemon::Daemon;
use super::table::{Row, Spread, time, times};

const STARTS: usize = 20;
const QUESTIONS: usize = 100;
/// Of more in a row its parent thinks that they will not stop, and waits before the next one.
const DEATHS: usize = 4;
const PARKED: usize = 5;

pub fn run() -> Vec<Row> {
    let tmux = Tmux::measure();
    let first = repeat(STARTS, || {
        let mut daemon = Daemon::prepare();
        let begun = Instant::now();
        daemon.launch();
        begun.elapsed()
    });
    let mut daemon = Daemon::start();
    let again = repeat(STARTS, || {
        daemon.stop();
        let begun = Instant::now();
        daemon.launch();
        begun.elapsed()
    });
    let kept: Vec<String> = (0..PARKED).map(|_| daemon.session("park")).collect();
    for session in &kept {
        daemon.until_status(session, "completed");
    }
    let restarted = back_after_its_death(&mut daemon);
    let call = repeat(QUESTIONS, || {
        let begun = Instant::now();
        daemon.connect().call("getOverview", json!({}));
        begun.elapsed()
    });
    let beside = |row: Row, took: &Spread, reference: Option<&(&str, Spread)>| match reference {
        Some((what, other)) => row.beside(
            format!("{what}: {}", time(other.median())),
            times(took.median(), other.median()),
        ),
        None => row,
    };
    let cold = tmux.as_ref().map(|tmux| &tmux.cold);
    let warm = tmux.as_ref().map(|tmux| &tmux.warm);
    let limit = |figure: &str, took: &Spread, aim: u64| {
        let median = took.median();
        let met = median <= Duration::from_millis(aim);
        Row::limit(figure, time(median), &format!("≤ {aim} ms"), met)
    };
    let mut rows = vec![
        beside(
            limit("daemon's start to a healthy answer", &again, 25),
            &again,
            cold,
        ),
        beside(
            limit("… the very first, which makes the database", &first, 25),
            &first,
            cold,
        ),
        beside(
            limit(
                "daemon killed → served again, 5 sessions parked",
                &restarted,
                1000,
            ),
            &restarted,
            cold,
        ),
        beside(limit("connect and getOverview", &call, 5), &call, warm),
    ];
    match verb(&daemon) {
        Some(took) => rows.push(beside(
            limit("`humanlayer sessions`", &took, 5),
            &took,
            warm,
        )),
        None => rows.push(Row::told(
            "`humanlayer sessions`",
            "this build has no such verb".into(),
        )),
    }
    rows
}

/// How long nobody serves after a daemon with a parent was killed, until the next one has answered that it is well.
fn back_after_its_death(daemon: &mut Daemon) -> Spread {
    daemon.stop();
    assert!(succeeds(daemon.command().args(["daemon", "start"])));
    let took = repeat(DEATHS, || {
        let before = daemon.connect().call("health", json!({}))["pid"].clone();
        let pid = i32::try_from(before.as_i64().unwrap()).unwrap();
        let begun = Instant::now();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        // Who connects to the dying one gets no answer.
        while daemon.pid_of_health().is_none_or(|pid| pid == before) {
            std::thread::sleep(Duration::from_micros(200));
        }
        begun.elapsed()
    });
    assert!(succeeds(daemon.command().args(["daemon", "stop"])));
    daemon.launch();
    took
}

fn repeat(count: usize, mut once: impl FnMut() -> Duration) -> Spread {
    Spread::of((0..count).map(|_| once()).collect())
}

/// A whole process that asks the running daemon for the list.
fn verb(daemon: &Daemon) -> Option<Spread> {
    let run = || {
        let mut command = daemon.command();
        command.arg("sessions");
        succeeds(&mut command)
    };
    run().then(|| {
        repeat(QUESTIONS, || {
            let begun = Instant::now();
            assert!(run(), "the verb worked before");
            begun.elapsed()
        })
    })
}

fn succeeds(command: &mut Command) -> bool {
    let silent = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// The same for tmux, where it is installed.
struct Tmux {
    cold: (&'static str, Spread),
    warm: (&'static str, Spread),
}

impl Tmux {
    fn measure() -> Option<Self> {
        // Each start gets a socket of its own: a server that was killed takes a moment to go.
        let tmux = |server: usize, words: &[&str]| {
            let server = format!("hl-bench-{}-{server}", std::process::id());
            let mut command = Command::new("tmux");
            command
                .args(["-f", "/dev/null", "-L", &server])
                .args(words)
                .env_remove("TMUX");
            succeeds(&mut command)
        };
        if !tmux(0, &["new", "-d"]) {
            return None;
        }
        let warm = repeat(QUESTIONS, || {
            let begun = Instant::now();
            assert!(tmux(0, &["ls"]), "tmux answers");
            begun.elapsed()
        });
        tmux(0, &["kill-server"]);
        let mut server = 0;
        let cold = repeat(STARTS, || {
            server += 1;
            let begun = Instant::now();
            assert!(tmux(server, &["new", "-d"]), "tmux starts");
            let took = begun.elapsed();
            tmux(server, &["kill-server"]);
            took
        });
        Some(Self {
            cold: ("tmux new -d", cold),
            warm: ("tmux ls", warm),
        })
    }
}
