//! The way of a question to a person and of the decision back to the agent.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::agent::nanos;
use super::daemon::Daemon;
use super::table::{Row, Spread, time, times};

/// The word that makes this program send back every line.
pub const ECHO: &str = "__bench_echo";

const ROUNDS: u32 = 320;

/// Rounds at the start that are not counted: files are opened, statements prepared.
const WARM_UP: usize = 20;

/// The times of one run: from the agent's question to a client, and from its decision back to the agent.
pub struct Ways {
    pub there: Spread,
    pub back: Spread,
}

pub fn run() -> Vec<Row> {
    let bare = round_trips();
    let Ways { there, back } = decide(&Daemon::start());
    let row = |figure: &str, spread: &Spread| {
        let met = spread.median() <= Duration::from_millis(1);
        Row::limit(figure, p50_and_p99(spread), "p50 ≤ 1 ms", met).beside(
            format!("socket round trip {}", p50_and_p99(&bare)),
            times(spread.median(), bare.median()),
        )
    };
    vec![
        row("question on the agent's stdout to a client", &there),
        row("decision of a client to the agent's stdin", &back),
    ]
}

pub fn p50_and_p99(spread: &Spread) -> String {
    format!(
        "p50 {}, p99 {}",
        time(spread.median()),
        time(spread.at(0.99))
    )
}

/// Has a session ask and approves each question.
pub fn decide(daemon: &Daemon) -> Ways {
    let notes = daemon.root().join("notes");
    let mut events = daemon
        .connect()
        .subscribe(json!({"event_types": ["new_approval"]}));
    let mut client = daemon.connect();
    let session = daemon.session(&format!("ask {ROUNDS} {}", notes.display()));
    let mut client_side = Vec::new();
    for _ in 0..ROUNDS {
        let line = events.receive();
        let notified = nanos();
        let event: Value = serde_json::from_slice(line).unwrap();
        let id = &event["params"]["result"]["data"]["approval_id"];
        let params = json!({"approval_id": id, "decision": "approve"});
        // A person takes longer than the daemon needs to come to rest after the question.
        std::thread::sleep(Duration::from_millis(2));
        let decided = nanos();
        let answer = client.call("sendDecision", params);
        assert_eq!(answer["success"], true, "{answer}");
        client_side.push((notified, decided));
    }
    daemon.until_status(&session, "completed");
    let notes = fs::read_to_string(notes).unwrap();
    let agent_side = notes.lines().map(|line| {
        let (asked, answered) = line.split_once(' ').unwrap();
        (
            asked.parse::<u64>().unwrap(),
            answered.parse::<u64>().unwrap(),
        )
    });
    let (mut there, mut back) = (Vec::new(), Vec::new());
    for ((asked, answered), (notified, decided)) in agent_side.zip(client_side).skip(WARM_UP) {
        there.push(Duration::from_nanos(notified.saturating_sub(asked)));
        back.push(Duration::from_nanos(answered.saturating_sub(decided)));
    }
    Ways {
        there: Spread::of(there),
        back: Spread::of(back),
    }
}

/// A line to another process over a socket and back, with the same pauses.
fn round_trips() -> Spread {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (input, output) = (theirs.try_clone().unwrap(), theirs);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(ECHO)
        .stdin(Stdio::from(OwnedFd::from(input)))
        .stdout(Stdio::from(OwnedFd::from(output)))
        .spawn()
        .unwrap();
    let mut reader = BufReader::new(ours.try_clone().unwrap());
    let message = format!("{}\n", "x".repeat(500));
    let mut line = String::new();
    let mut trips = Vec::new();
    for _ in 0..ROUNDS {
        std::thread::sleep(Duration::from_millis(2));
        let begun = Instant::now();
        (&ours).write_all(message.as_bytes()).unwrap();
        line.clear();
        reader.read_line(&mut line).unwrap();
        trips.push(begun.elapsed());
    }
    ours.shutdown(std::net::Shutdown::Both).unwrap();
    child.wait().unwrap();
    Spread::of(trips.split_off(WARM_UP))
}

pub fn echo() -> ExitCode {
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    let mut line = String::new();
    while input.read_line(&mut line).is_ok_and(|read| read > 0) {
        if output
            .write_all(line.as_bytes())
            .and_then(|()| output.flush())
            .is_err()
        {
            break;
        }
        line.clear();
    }
    ExitCode::SUCCESS
}
