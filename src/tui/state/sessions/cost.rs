//! What ten thousand sessions cost: `cargo test --release --lib cost -- --ignored`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Sessions, Sort};
use crate::tui::state::data::Data;
use crate::tui::testing::{Rig, session};

const MANY: usize = 10_000;

/// As ids are: different from their beginning on.
fn id(n: usize) -> String {
    format!(
        "{:08x}-session",
        n.wrapping_mul(2_654_435_761) & 0xffff_ffff
    )
}

fn data() -> Data {
    let mut data = Data::default();
    let statuses = ["completed", "failed", "running", "waiting_input"];
    let records = (0..MANY).map(|n| {
        let at = format!("2026-02-{:02}T{:02}:{:02}:00Z", n % 28 + 1, n % 24, n % 60);
        let parent = (n % 10 == 0 && n > 0).then(|| id(n / 2));
        let record = session(
            &id(n),
            json!({"title": format!("Fix the {} number {n} of the parser", n * 7919 % 1000),
                "status": statuses[n % 4], "last_activity_at": at, "parent_session_id": parent,
                "working_dir": format!("/home/me/src/project-{}", n % 40)}),
        );
        serde_json::from_value(record).unwrap()
    });
    data.add(records.collect());
    data
}

/// The quickest of many runs: what it takes when nobody else has the processor.
fn quickest(mut run: impl FnMut()) -> Duration {
    let times = (0..31).map(|_| {
        let began = Instant::now();
        run();
        began.elapsed()
    });
    times.min().unwrap()
}

#[test]
#[ignore = "measures, which only means something for a release build on a quiet machine"]
fn ten_thousand_sessions_are_arranged_within_three_milliseconds() {
    let data = data();
    let mut took = Vec::new();
    for (what, filter, sort, most) in [
        ("by activity", "", Sort::Activity, 3),
        ("by cost", "", Sort::Cost, 3),
        ("by directory", "", Sort::Directory, 6),
        ("by title", "", Sort::Title, 12),
        ("filtered", "parser 7", Sort::Activity, 12),
        ("filtered to few", "zzqx", Sort::Activity, 6),
    ] {
        let mut list = Sessions {
            filter: filter.to_owned(),
            sort,
            ..Sessions::default()
        };
        let time = quickest(|| {
            list.stale();
            list.arrange(&data);
        });
        took.push((what, time, Duration::from_millis(most)));
    }
    let slow: Vec<_> = took.iter().filter(|(_, time, most)| time > most).collect();
    assert!(slow.is_empty(), "{slow:?} of {took:?}");
    report(&took);
}

/// Shown with `--nocapture`.
fn report(took: &[(&str, Duration, Duration)]) {
    use std::io::Write as _;
    let mut out = std::io::stderr().lock();
    for (what, time, most) in took {
        // Nobody listens to a test that cannot be heard.
        let _ = writeln!(out, "{what}: {time:?} (aim {most:?})");
    }
}

#[test]
#[ignore = "measures, which only means something for a release build on a quiet machine"]
fn a_step_and_its_frame_take_less_than_a_frame() {
    let sessions: Vec<_> = (0..MANY).map(|n| session(&id(n), json!({}))).collect();
    let mut rig = Rig::new((140, 40), &sessions, &[]);
    let time = quickest(|| {
        let state = session(&id(7), json!({}));
        let _ = rig.event(
            "session_updated",
            json!({"session_id": id(7), "session": state}),
        );
        let _ = rig.keys("j");
    });
    report(&[(
        "an event, a step and a frame",
        time,
        Duration::from_millis(8),
    )]);
    assert!(time < Duration::from_millis(8), "{time:?}");
}
