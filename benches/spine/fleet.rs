//! A hundred agents that all speak at once, for a while.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use super::agent::nanos;
use super::daemon::{Daemon, wait_until};
use super::process;
use super::table::{Row, Spread, time};

const SESSIONS: usize = 100;

/// Lines in a second of each, and how many seconds.
const RATE: u32 = 20;
const SECONDS: u32 = 15;

pub fn run() -> Vec<Row> {
    let daemon = Daemon::start();
    let gate = daemon.root().join("gate");
    let lines = RATE * SECONDS;
    let task = format!("tick {} {lines} {}", 1000 / RATE, gate.display());
    let sessions: Vec<String> = (0..SESSIONS).map(|_| daemon.session(&task)).collect();
    wait_until("all agents run", || daemon.processes().len() == SESSIONS);
    sessions
        .iter()
        .for_each(|session| daemon.until_status(session, "running"));
    let mut events = daemon
        .connect()
        .subscribe(json!({"event_types": ["conversation_updated", "resync"]}));
    fs::write(&gate, "").unwrap();
    let wanted = SESSIONS * lines as usize;
    let mut lags = Vec::with_capacity(wanted);
    let mut window = None;
    while lags.len() < wanted {
        let line = std::str::from_utf8(events.receive()).unwrap();
        let now = nanos();
        assert!(
            !line.contains(r#""type":"resync""#),
            "the client fell out of step"
        );
        let Some((_, rest)) = line.split_once("written ") else {
            continue;
        };
        let written: u64 = rest.split(' ').next().unwrap().parse().unwrap();
        lags.push(Duration::from_nanos(now.saturating_sub(written)));
        // The processor's time is taken while all of them speak.
        if window.is_none() && lags.len() >= wanted / 10 {
            window = Some((Instant::now(), process::ticks(daemon.pid())));
        }
    }
    let (begun, before) = window.unwrap();
    let used = process::ticks(daemon.pid()) - before;
    #[allow(clippy::cast_precision_loss, reason = "a count of ticks")]
    let cpu = used as f64 / process::TICKS / begun.elapsed().as_secs_f64() * 100.0;
    let (memory, own) = process::memory(daemon.pid());
    let lags = Spread::of(lags);
    let figure = format!("{SESSIONS} sessions at {RATE} lines/s: ");
    vec![
        Row::limit(
            &(figure.clone() + "the daemon's processor time"),
            format!("{cpu:.1} % of a core"),
            "< 15 %",
            cpu < 15.0,
        ),
        Row::limit(
            &(figure.clone() + "the daemon's memory"),
            format!(
                "{} ({} its own)",
                process::megabytes(memory),
                process::megabytes(own)
            ),
            "< 50 MB",
            memory < 50 * 1024,
        ),
        Row::limit(
            &(figure + "line written to event received"),
            format!(
                "p50 {}, p99 {}, max {}",
                time(lags.median()),
                time(lags.at(0.99)),
                time(lags.at(1.0))
            ),
            "all arrive, max < 1 s",
            lags.at(1.0) < Duration::from_secs(1),
        ),
    ]
}
