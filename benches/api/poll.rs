//! A thousand requests that are pending at a remote API: finding them, and looking again and again.

use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::spine::daemon::{Daemon, wait_until};
use crate::spine::process::{TICKS, ticks};
use crate::spine::table::{Row, Spread, time, times};
use crate::stand_in::StandIn;

const PENDING: usize = 1000;

/// Seconds between two polls: with them the daemon is nearly always polling, so that the ticks of
/// its processor time are many.
const EVERY: &str = "0.05";

/// How long polls are counted.
const LONG: Duration = Duration::from_secs(20);

/// Answers whose way is timed.
const ANSWERS: usize = 200;

pub fn run() -> Vec<Row> {
    let api = StandIn::start(PENDING);
    let mut daemon = Daemon::prepare();
    configure(&daemon, &api);
    let begun = Instant::now();
    daemon.launch();
    wait_until("all are in the inbox", || pending(&daemon).len() == PENDING);
    let found = begun.elapsed();
    let polls = api.looks().len();
    wait_until("it polls in peace", || api.looks().len() >= polls + 5);
    let (before, used) = (api.looks().len(), ticks(daemon.pid()));
    std::thread::sleep(LONG);
    let looks = api.looks().split_off(before);
    let used = ticks(daemon.pid()) - used;
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    let cpu =
        Duration::try_from_secs_f64(used as f64 / TICKS / looks.len() as f64).unwrap_or_default();
    let wall = Spread::of(looks.iter().map(|(begun, ended)| *ended - *begun).collect());
    let bare = bare(&daemon, &api);
    let answers = answers(&daemon, &api);
    vec![
        Row::told(
            &format!("{PENDING} requests at a remote API, from the daemon's start to the inbox"),
            time(found),
        ),
        Row::told(
            &format!("a poll of {PENDING} pending requests: processor time"),
            format!("{} ({} polls)", time(cpu), looks.len()),
        )
        .beside(
            format!("bare parse and SELECT {}", time(bare.median())),
            times(cpu, bare.median()),
        ),
        Row::told(
            &format!("a poll of {PENDING} pending requests: from the first page to the last"),
            format!("p50 {}, p99 {}", time(wall.median()), time(wall.at(0.99))),
        ),
        Row::told(
            "decision of a client to the remote API",
            format!(
                "p50 {}, p99 {}",
                time(answers.median()),
                time(answers.at(0.99))
            ),
        ),
    ]
}

fn configure(daemon: &Daemon, api: &StandIn) {
    let directory = daemon.root().join("config/humanlayer");
    fs::create_dir_all(&directory).unwrap();
    let config = json!({"api_key": "hl-bench-key", "api_base_url": api.base(),
        "api_poll_seconds": EVERY});
    fs::write(directory.join("humanlayer.json"), config.to_string()).unwrap();
}

/// Names of what is pending, by the plainest query.
fn pending(daemon: &Daemon) -> Vec<String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let db = Connection::open_with_flags(daemon.database(), flags).unwrap();
    select(&db)
}

fn select(db: &Connection) -> Vec<String> {
    let mut query = db
        .prepare_cached(
            "SELECT call_id FROM approvals WHERE outcome = 'pending' AND call_id IS NOT NULL",
        )
        .unwrap();
    let names = query.query_map([], |row| row.get(0)).unwrap();
    names.collect::<rusqlite::Result<_>>().unwrap()
}

/// The least that a poll has to do: read the same pages as JSON, and ask the database what it has.
fn bare(daemon: &Daemon, api: &StandIn) -> Spread {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let db = Connection::open_with_flags(daemon.database(), flags).unwrap();
    let once = || {
        let begun = of_this_thread();
        for body in &api.bodies {
            black_box(serde_json::from_str::<Value>(body).unwrap());
        }
        assert_eq!(black_box(select(&db)).len(), PENDING);
        of_this_thread() - begun
    };
    Spread::of((0..100).map(|_| once()).collect())
}

/// Processor time of this thread, for the daemon's is no other.
fn of_this_thread() -> Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(told.split_whitespace().next().unwrap().parse().unwrap())
}

/// How long a decision takes to the API's socket.
fn answers(daemon: &Daemon, api: &StandIn) -> Spread {
    let mut client = daemon.connect();
    let listed = client.call("listApprovals", json!({"limit": ANSWERS}));
    let ways = listed["approvals"].as_array().unwrap().iter().map(|asked| {
        let decided = crate::spine::agent::nanos();
        let params = json!({"approval_id": asked["id"], "decision": "approve"});
        let answer = client.call("sendDecision", params);
        assert_eq!(answer["success"], true, "{answer}");
        let arrived = api.answers.recv().unwrap();
        Duration::from_nanos(arrived.saturating_sub(decided))
    });
    Spread::of(ways.collect())
}
