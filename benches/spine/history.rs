//! Lists do not get slower as the database grows: the last page of a conversation, the first of the
//! sessions.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::daemon::{Client, Daemon};
use super::table::{Row, Spread, time, times};

const PAGE: u32 = 100;
const ASKED: usize = 100;

/// What every session is called.
pub const TITLE: &str = "A title";

pub fn run() -> Vec<Row> {
    let small = filled(100, &[]);
    let large = filled(10_000, &[("short", 1_000), ("long", 1_000_000)]);
    let (mut few, mut many) = (small.connect(), large.connect());
    let list = json!({"limit": PAGE});
    let last = |session: &str| json!({"session_id": session, "limit": PAGE});
    // By turns, so that both meet the same machine.
    let lists = by_turns(
        (&mut few, "getOverview", &list),
        (&mut many, "getOverview", &list),
    );
    let (mut short, mut long) = (large.connect(), large.connect());
    let pages = by_turns(
        (&mut short, "getConversation", &last("short")),
        (&mut long, "getConversation", &last("long")),
    );
    let row = |figure: &str, (of_small, of_large): &(Spread, Spread), reference: &str| {
        let ratio = times(of_large.median(), of_small.median());
        Row::limit(
            figure,
            time(of_large.median()),
            "≤ 1.5 of the small",
            ratio <= 1.5,
        )
        .beside(format!("{reference}: {}", time(of_small.median())), ratio)
    };
    vec![
        row("first page of 10,000 sessions", &lists, "of 100 sessions"),
        row("last page of 1,000,000 pieces", &pages, "of 1,000 pieces"),
    ]
}

type Question<'a> = (&'a mut Client, &'a str, &'a Value);

fn by_turns(one: Question<'_>, other: Question<'_>) -> (Spread, Spread) {
    let once = |question: &mut Question<'_>| -> Duration {
        let begun = Instant::now();
        question.0.send(question.1, question.2);
        let answer = question.0.receive();
        let took = begun.elapsed();
        assert!(answer.len() > 10_000, "{}", String::from_utf8_lossy(answer));
        took
    };
    let (mut one, mut other) = (one, other);
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for _ in 0..ASKED {
        ones.push(once(&mut one));
        others.push(once(&mut other));
    }
    (Spread::of(ones), Spread::of(others))
}

/// A daemon over a database with so many sessions that are over, and some with a conversation.
pub fn filled(sessions: usize, conversations: &[(&str, i64)]) -> Daemon {
    let mut daemon = Daemon::start();
    daemon.stop();
    let db = Connection::open(daemon.database()).unwrap();
    db.execute_batch("BEGIN").unwrap();
    let now = jiff::Timestamp::now().as_microsecond();
    let add = |id: &str, age: i64| -> i64 {
        db.prepare_cached(
            "INSERT INTO sessions (id, run_id, phase, status, process, query, summary, title,
                working_dir, config, cost_usd, created_at, last_activity_at, next_sequence)
             VALUES (?1, 'run-' || ?1, 'completed', 'completed', 'gone', 'make it so', 'make it so',
                ?3, '/home/me/project', '{}', 0.25, ?2, ?2, 2000000)",
        )
        .unwrap()
        // One every ten minutes: most are older than a day, as in life.
        .execute(params![id, now - age * 600 * 1_000_000, TITLE])
        .unwrap();
        db.last_insert_rowid()
    };
    for (age, number) in (0..sessions).enumerate() {
        add(&format!("session-{number}"), i64::try_from(age).unwrap());
    }
    let mut seq = 0;
    for (id, pieces) in conversations {
        let key = add(id, 1);
        let mut insert = db
            .prepare(
                "INSERT INTO conversation (seq, session_key, sequence, event_type, role, content, created_at)
                 VALUES (?, ?, ?, 'message', 'assistant', ?, ?)",
            )
            .unwrap();
        for sequence in 1..=*pieces {
            seq += 1;
            let words =
                format!("piece {sequence}: as long as what an agent says between two calls is");
            insert
                .execute(params![seq, key, sequence, words, now])
                .unwrap();
        }
    }
    db.execute_batch("COMMIT").unwrap();
    drop(db);
    daemon.launch();
    daemon
}
