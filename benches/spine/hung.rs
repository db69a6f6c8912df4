//! Questions and decisions while the directory of other sessions never answers, as on a network drive whose
//! server is gone, and clients keep asking for what needs that directory.

use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use super::approval::{Ways, decide, p50_and_p99};
use super::daemon::{Client, Daemon};
use super::hung_directory::{HungDirectory, may_serve};
use super::table::{Row, Spread, times};

/// The word that makes this program measure, in a mount namespace of its own.
pub const INSIDE: &str = "__bench_hung";

/// The sessions whose directory hangs.
const SESSIONS: usize = 20;

/// How often each of the clients that need the directory asks.
const EVERY: Duration = Duration::from_millis(50);

pub fn run() -> Vec<Row> {
    let figure = format!("the same, beside {SESSIONS} sessions whose directory never answers");
    if let Err(error) = may_serve() {
        return vec![Row::told(
            &figure,
            format!("not measured: /dev/fuse: {error}"),
        )];
    }
    // An unprivileged user may mount in a user namespace of theirs.
    let options = match rustix::process::geteuid().is_root() {
        true => "-m",
        false => "-Urm",
    };
    let output = Command::new("unshare")
        .arg(options)
        .arg(std::env::current_exe().unwrap())
        .arg(INSIDE)
        .output()
        .expect("unshare (util-linux) is there");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let spreads: Vec<Spread> = said.lines().map(read).collect();
    let [there_alone, back_alone, there, back] = spreads.try_into().ok().expect("four lines");
    let row = |way: &str, beside: &Spread, alone: &Spread| {
        let met = beside.at(0.99) < Duration::from_millis(5);
        Row::limit(
            &format!("{way}, beside {SESSIONS} sessions whose directory never answers"),
            p50_and_p99(beside),
            "p99 < 5 ms",
            met,
        )
        .beside(
            format!("without them {}", p50_and_p99(alone)),
            times(beside.at(0.99), alone.at(0.99)),
        )
    };
    vec![
        row("question", &there, &there_alone),
        row("decision", &back, &back_alone),
    ]
}

/// Measures, and prints the nanoseconds of each spread in a line of its own.
pub fn inside() -> ExitCode {
    let daemon = Daemon::start();
    let directory = daemon.root().join("hung");
    std::fs::create_dir(&directory).unwrap();
    let mut client = daemon.connect();
    let sessions: Vec<String> = (0..SESSIONS)
        .map(|_| {
            let params = json!({"query": "park", "working_dir": directory});
            let launched = client.call("launchSession", params);
            launched["session_id"].as_str().unwrap().to_owned()
        })
        .collect();
    for session in &sessions {
        daemon.until_status(session, "completed");
    }
    let alone = decide(&daemon);
    let _hung = HungDirectory::mount(&directory);
    let over = AtomicBool::new(false);
    let beside = std::thread::scope(|scope| {
        scope.spawn(|| {
            ask_for_it(
                &daemon,
                "launchSession",
                &over,
                || json!({"query": "park", "working_dir": directory}),
            )
        });
        scope.spawn(|| {
            ask_for_it(
                &daemon,
                "sendMessage",
                &over,
                || json!({"session_id": sessions[0], "message": "go on"}),
            )
        });
        scope.spawn(|| {
            ask_for_it(
                &daemon,
                "continueSession",
                &over,
                || json!({"session_id": sessions[1], "query": "park", "fork": true}),
            )
        });
        let beside = decide(&daemon);
        over.store(true, Ordering::Relaxed);
        beside
    });
    for Ways { there, back } in [alone, beside] {
        println!("{}\n{}", write(&there), write(&back));
    }
    ExitCode::SUCCESS
}

/// Asks again and again, each time over a connection of its own and without waiting for the answer.
fn ask_for_it(
    daemon: &Daemon,
    method: &str,
    over: &AtomicBool,
    params: impl Fn() -> serde_json::Value,
) {
    let mut asked = std::collections::VecDeque::new();
    while !over.load(Ordering::Relaxed) {
        let mut client = Client::over(UnixStream::connect(daemon.socket()).unwrap());
        client.send(method, &params());
        asked.push_back(client);
        // As many as impatient people have: who gives up closes the connection.
        if asked.len() > 10 {
            asked.pop_front();
        }
        std::thread::sleep(EVERY);
    }
}

fn write(spread: &Spread) -> String {
    let nanos = spread.all().iter().map(Duration::as_nanos);
    nanos
        .map(|nanos| nanos.to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

fn read(line: &str) -> Spread {
    let nanos = line.split(' ').map(|nanos| nanos.parse().unwrap());
    Spread::of(nanos.map(Duration::from_nanos).collect())
}
