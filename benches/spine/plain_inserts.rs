//! The limit for ingesting: the rows that the daemon wrote, written again by nothing but prepared
//! statements, with the same pragmas into the same tables, in transactions of the same size.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::process;

/// Bytes of lines in one transaction, as the daemon cuts them.
const BATCH_BYTES: usize = 256 * 1024;

type Rows = Vec<Vec<Value>>;

/// A table that a journal fills, with its statement and its rows.
struct Table {
    insert: String,
    rows: Rows,
}

/// What it took, and how many rows of lines and of conversation there were.
pub struct Plain {
    pub took: Duration,
    /// Ticks of processor time.
    pub ticks: u64,
    pub lines: usize,
    pub conversation: usize,
    pub rows: usize,
}

/// Writes what `from` holds into a new database beside it.
pub fn run(from: &Path, to: &Path) -> Plain {
    let source = Connection::open(from).unwrap();
    let lines = table(&source, "raw_lines", "id");
    let conversation = table(&source, "conversation", "seq");
    let events = table(&source, "events", "seq");
    let batches = batches(&lines.rows);
    let target = prepare(&source, from, to);
    let (begun, ticks) = (Instant::now(), process::ticks(std::process::id()));
    {
        let mut insert =
            [&lines, &conversation, &events].map(|table| target.prepare(&table.insert).unwrap());
        let mut move_on = target
            .prepare("UPDATE sessions SET journal_offset = ?")
            .unwrap();
        let mut start = 0;
        for end in batches {
            target.execute_batch("BEGIN IMMEDIATE").unwrap();
            for (table, insert) in [&lines, &conversation, &events].iter().zip(&mut insert) {
                // The other tables' rows belong to lines evenly enough.
                let share = |line: usize| table.rows.len() * line / lines.rows.len();
                for row in &table.rows[share(start)..share(end)] {
                    insert.execute(params_from_iter(row)).unwrap();
                }
            }
            move_on.execute([i64::try_from(end).unwrap()]).unwrap();
            target.execute_batch("COMMIT").unwrap();
            start = end;
        }
    }
    Plain {
        took: begun.elapsed(),
        ticks: process::ticks(std::process::id()) - ticks,
        lines: lines.rows.len(),
        conversation: conversation.rows.len(),
        rows: lines.rows.len() + conversation.rows.len() + events.rows.len(),
    }
}

fn table(db: &Connection, name: &str, order: &str) -> Table {
    let mut query = db
        .prepare(&format!("SELECT * FROM {name} ORDER BY {order}"))
        .unwrap();
    let columns = query.column_count();
    let rows = query
        .query_map([], |row| {
            (0..columns).map(|column| row.get(column)).collect()
        })
        .unwrap()
        .collect::<rusqlite::Result<Rows>>()
        .unwrap();
    let places = vec!["?"; columns].join(", ");
    Table {
        insert: format!("INSERT INTO {name} VALUES ({places})"),
        rows,
    }
}

/// After which lines a transaction ends.
fn batches(lines: &Rows) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut bytes = 0;
    for (index, row) in lines.iter().enumerate() {
        bytes += match row.last() {
            Some(Value::Text(line)) => line.len(),
            _ => 0,
        };
        if bytes >= BATCH_BYTES || index + 1 == lines.len() {
            ends.push(index + 1);
            bytes = 0;
        }
    }
    ends
}

/// The same tables and indices, with the session that the rows belong to. Without triggers: they keep counts that this
/// copy does not have.
fn prepare(source: &Connection, from: &Path, to: &Path) -> Connection {
    let target = Connection::open(to).unwrap();
    target
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON",
        )
        .unwrap();
    let mut schema = source
        .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'trigger' AND name NOT LIKE 'sqlite_%'")
        .unwrap();
    let statements = schema.query_map([], |row| row.get::<_, String>(0)).unwrap();
    for statement in statements {
        target.execute_batch(&statement.unwrap()).unwrap();
    }
    target
        .execute("ATTACH ? AS source", [from.to_str().unwrap()])
        .unwrap();
    target
        .execute_batch("INSERT INTO sessions SELECT * FROM source.sessions; DETACH source")
        .unwrap();
    target
}
