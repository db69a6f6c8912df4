//! A long journal through the whole path: file, lines, state machine, store, bus, socket, client.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use super::daemon::{Daemon, wait_until};
use super::table::{Row, time, times};
use super::{plain_inserts, process, recorded};

const LINES: usize = 200_000;

/// Both ways are gone this often and the best of each is taken: what else the machine does must not
/// decide.
const RUNS: usize = 2;

/// One journal through the daemon.
struct Through {
    daemon: Daemon,
    took: Duration,
    bytes: usize,
    /// Pieces of conversation that the client got, and how often it was told to resync.
    conversation: usize,
    resyncs: usize,
    /// Ticks of the daemon's processor time, and kilobytes of its memory.
    ticks: u64,
    memory: u64,
}

pub fn run() -> Vec<Row> {
    let through = (0..RUNS).map(|_| through()).min_by_key(|run| run.took);
    let through = through.expect("there is a run");
    let to = |run: usize| through.daemon.root().join(format!("plain{run}.db"));
    let plain = (0..RUNS).map(|run| plain_inserts::run(&through.daemon.database(), &to(run)));
    let plain = plain.min_by_key(|run| run.took).expect("there is a run");
    let ratio = 1.0 / times(through.took, plain.took);
    #[allow(clippy::cast_precision_loss, reason = "counts of thousands")]
    let per_second = |took: Duration| {
        format!(
            "{:.0}k lines/s, {:.0} MB/s",
            plain.lines as f64 / took.as_secs_f64() / 1e3,
            through.bytes as f64 / took.as_secs_f64() / 1e6
        )
    };
    #[allow(clippy::cast_precision_loss, reason = "counts of ticks")]
    let per_line = |ticks: u64| {
        Duration::try_from_secs_f64(ticks as f64 / process::TICKS / plain.lines as f64)
            .unwrap_or_default()
    };
    let (daemon, limit) = (per_line(through.ticks), per_line(plain.ticks));
    vec![
        Row::limit(
            &format!("journal of {}k lines to a client", plain.lines / 1000),
            per_second(through.took),
            "≥ 0.5 of plain inserts",
            ratio >= 0.5,
        )
        .beside(
            format!(
                "plain inserts of the {}k rows: {}",
                plain.rows / 1000,
                per_second(plain.took)
            ),
            ratio,
        ),
        Row::told("… processor time per line, all threads", time(daemon)).beside(
            format!("plain inserts: {}", time(limit)),
            times(daemon, limit),
        ),
        Row::limit(
            "… pieces of conversation that the client got",
            format!("{}, {} resyncs", through.conversation, through.resyncs),
            &format!("all {}, no resync", plain.conversation),
            through.conversation == plain.conversation && through.resyncs == 0,
        ),
        Row::told(
            "… the daemon's memory then",
            process::megabytes(through.memory),
        ),
    ]
}

fn through() -> Through {
    let mut daemon = Daemon::start();
    let journal = daemon.root().join("journal");
    let text = recorded::journal(LINES);
    let bytes = text.len();
    fs::write(&journal, text).unwrap();
    let mut events = daemon.connect().subscribe(json!({}));
    let begun = Instant::now();
    let session = daemon.session(&format!("cat {}", journal.display()));
    let (mut conversation, mut resyncs) = (0, 0);
    loop {
        let line = std::str::from_utf8(events.receive()).unwrap();
        conversation += usize::from(line.contains(r#""type":"conversation_updated""#));
        resyncs += usize::from(line.contains(r#""type":"resync""#));
        if line.contains(recorded::END) {
            break;
        }
    }
    let took = begun.elapsed();
    let (memory, _) = process::memory(daemon.pid());
    let ticks = process::ticks(daemon.pid());
    let mut client = daemon.connect();
    client.call("endSession", json!({"session_id": session}));
    wait_until("the agent is gone", || daemon.processes().is_empty());
    daemon.stop();
    Through {
        daemon,
        took,
        bytes,
        conversation,
        resyncs,
        ticks,
        memory,
    }
}
