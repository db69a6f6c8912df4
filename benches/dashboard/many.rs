//! A dashboard with a thousand pending approvals, and one with five thousand sessions; beside one with
//! few of them.

use std::time::Duration;

use serde_json::json;

use super::first_frame::opened;
use super::keys::{press, selected};
use super::terminal::Terminal;
use crate::daemon::{Daemon, wait_until};
use crate::history::{TITLE, filled};
use crate::process::{self, megabytes};
use crate::table::{Row, Spread, time, times};

/// Sessions among which the approvals are.
const ASKERS: usize = 20;
const OPENED: usize = 15;
const ROUNDS: usize = 60;

/// What was measured of a dashboard.
struct Measured {
    opened: Spread,
    keys: Spread,
    resident: u64,
}

pub fn approvals() -> Vec<Row> {
    let [few, many] = [20, 1_000].map(|pending: usize| {
        let daemon = Daemon::start();
        for _ in 0..ASKERS {
            daemon.session(&format!("ask_at_once {}", pending / ASKERS));
        }
        let mut client = daemon.connect();
        wait_until("all requests are pending", || {
            let listed = client.call("listApprovals", json!({}));
            listed["approvals"].as_array().map(Vec::len) == Some(pending)
        });
        measure(&daemon, "Allow Bash", &format!("Inbox {pending}"), "1")
    });
    rows("1,000 pending approvals", "20 pending", &few, &many)
}

pub fn sessions() -> Vec<Row> {
    let [few, many] = [50, 5_000].map(|sessions| {
        let daemon = filled(sessions, &[]);
        measure(&daemon, TITLE, &format!("Sessions {sessions} "), "2")
    });
    rows("5,000 sessions", "50 sessions", &few, &many)
}

/// Opens a dashboard some times, and steps through the list that a key goes to once all is there.
fn measure(daemon: &Daemon, first: &str, all: &str, list: &str) -> Measured {
    let opened = (0..OPENED).map(|_| opened(&daemon.command(), first));
    let opened = Spread::of(opened.collect());
    let mut terminal = Terminal::start(&daemon.command());
    terminal.until_shows(all);
    terminal.press(list);
    terminal.until("a row is selected", |screen| selected(screen).is_some());
    let mut keys = Vec::new();
    for _ in 0..ROUNDS {
        for key in ["j", "k"] {
            terminal.settle();
            let before = selected(terminal.screen());
            keys.push(press(&mut terminal, key, |screen| {
                selected(screen) != before
            }));
        }
    }
    let (resident, _) = process::memory(terminal.pid());
    Measured {
        opened,
        keys: Spread::of(keys),
        resident,
    }
}

fn rows(what: &str, beside: &str, few: &Measured, many: &Measured) -> Vec<Row> {
    let row = |figure: String, many: &Spread, few: &Spread, limit: u64| {
        let measured = format!("p50 {}, p99 {}", time(many.median()), time(many.at(0.99)));
        let met = many.median() < Duration::from_millis(limit);
        Row::limit(&figure, measured, &format!("p50 < {limit} ms"), met).beside(
            format!(
                "{beside}: p50 {}, p99 {}",
                time(few.median()),
                time(few.at(0.99))
            ),
            times(many.median(), few.median()),
        )
    };
    vec![
        row(
            format!("dashboard's first frame, {what}"),
            &many.opened,
            &few.opened,
            60,
        ),
        row(
            "… a key → the changed screen".to_owned(),
            &many.keys,
            &few.keys,
            16,
        ),
        Row::limit(
            "… resident memory",
            megabytes(many.resident),
            "< 60 MB",
            many.resident < 60 * 1024,
        )
        .beside(
            format!("{beside}: {}", megabytes(few.resident)),
            f64::from(u32::try_from(many.resident).unwrap())
                / f64::from(u32::try_from(few.resident).unwrap()),
        ),
    ]
}
