//! From the `y` of a practised person to the recorded outcome; beside the same decision as a call.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vt100::Screen;

use super::terminal::Terminal;
use crate::daemon::{Client, Daemon};
use crate::table::{Row, Spread, time, times};

/// Decisions of each kind, by turns.
const ROUNDS: u32 = 60;
/// Rounds at the start that are not counted.
const WARM_UP: usize = 5;

pub fn run() -> Vec<Row> {
    let daemon = Daemon::start();
    let notes = daemon.root().join("notes");
    let mut events = daemon
        .connect()
        .subscribe(json!({"event_types": ["new_approval", "approval_resolved"]}));
    let mut client = daemon.connect();
    let mut terminal = Terminal::start(&daemon.command());
    let session = daemon.session(&format!("ask {} {}", 2 * ROUNDS, notes.display()));
    let (mut keys, mut calls) = (Vec::new(), Vec::new());
    for round in 0..2 * ROUNDS {
        let id = event(&mut events, "new_approval");
        // A key counts once the question has been on the screen for the guard time.
        terminal.until("the key for yes counts", |screen| lit(screen, "y approve"));
        std::thread::sleep(Duration::from_millis(30));
        let begun = Instant::now();
        if round % 2 == 0 {
            terminal.press("y");
        } else {
            client.send(
                "sendDecision",
                &json!({"approval_id": id, "decision": "approve"}),
            );
        }
        assert_eq!(event(&mut events, "approval_resolved"), id);
        let took = begun.elapsed();
        if round % 2 == 0 {
            keys.push(took);
        } else {
            calls.push(took);
            client.receive();
        }
        // The next question may be on the same frame; then its key does not count yet.
        terminal.until("the key for yes does nothing", |screen| {
            !lit(screen, "y approve")
        });
    }
    daemon.until_status(&session, "completed");
    let (keys, calls) = (
        Spread::of(keys.split_off(WARM_UP)),
        Spread::of(calls.split_off(WARM_UP)),
    );
    let ratio = times(keys.median(), calls.median());
    vec![
        Row::limit(
            "`y` in the dashboard → outcome recorded and told",
            format!("p50 {}, p99 {}", time(keys.median()), time(keys.at(0.99))),
            "p50 ≤ 3 × a call",
            ratio <= 3.0,
        )
        .beside(
            format!(
                "`sendDecision` → told: p50 {}, p99 {}",
                time(calls.median()),
                time(calls.at(0.99))
            ),
            ratio,
        ),
    ]
}

/// Whose approval the next event is about, which must be of this type.
fn event(events: &mut Client, kind: &str) -> String {
    let event: Value = serde_json::from_slice(events.receive()).unwrap();
    let event = &event["params"]["result"];
    assert_eq!(event["type"], kind, "{event}");
    event["data"]["approval_id"].as_str().unwrap().to_owned()
}

/// Whether a key and its label are shown, and the key in a colour of its own: it is dim while it does
/// nothing.
pub fn lit(screen: &Screen, offer: &str) -> bool {
    let (_, columns) = screen.size();
    screen.rows(0, columns.get()).zip(0..).any(|(row, y)| {
        let Some(at) = row.rfind(offer) else {
            return false;
        };
        let x = u16::try_from(row[..at].chars().count()).unwrap();
        let label = x + u16::try_from(offer.find(' ').unwrap()).unwrap() + 1;
        let colour = |x| screen.cell(y, x).map(vt100::Cell::fgcolor);
        colour(x) != colour(label)
    })
}
