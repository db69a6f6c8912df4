//! A long journal through the whole path: file, lines, state machine, store, bus, socket, client.

use std::fs;
use std::time::Instant;

use serde_json::json;

use super::daemon::Daemon;
use super::table::{Row, times};
use super::{plain_inserts, process, recorded};

const LINES: usize = 200_000;

pub fn run() -> Vec<Row> {
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
    let cpu = process::ticks(daemon.pid());
    let mut client = daemon.connect();
    client.call("endSession", json!({"session_id": session}));
    super::daemon::wait_until("the agent is gone", || daemon.processes().is_empty());
    daemon.stop();
    let plain = plain_inserts::run(&daemon.database(), &daemon.root().join("plain.db"));
    let ratio = 1.0 / times(took, plain.took);
    #[allow(clippy::cast_precision_loss, reason = "counts of thousands")]
    let per_second = |seconds: f64| {
        format!(
            "{:.0}k lines/s, {:.0} MB/s",
            plain.lines as f64 / seconds / 1e3,
            bytes as f64 / seconds / 1e6
        )
    };
    #[allow(clippy::cast_precision_loss, reason = "a count of ticks")]
    let cpu = cpu as f64 / process::TICKS / took.as_secs_f64() * 100.0;
    vec![
        Row::limit(
            &format!("journal of {}k lines to a client", plain.lines / 1000),
            per_second(took.as_secs_f64()),
            "≥ 0.5 of plain inserts",
            ratio >= 0.5,
        )
        .beside(
            format!(
                "plain inserts of the {}k rows: {}",
                plain.rows / 1000,
                per_second(plain.took.as_secs_f64())
            ),
            ratio,
        ),
        Row::limit(
            "… pieces of conversation that the client got",
            format!("{conversation}, {resyncs} resyncs"),
            &format!("all {}, no resync", plain.conversation),
            conversation == plain.conversation && resyncs == 0,
        ),
        Row::told(
            "… the daemon meanwhile",
            format!("{cpu:.0} % of a core, {}", process::megabytes(memory)),
        ),
    ]
}
