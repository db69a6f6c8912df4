//! The data step of the migration that made a session a conversation.
//!
//! Until then every process had a row of its own. A row that continued its parent's conversation is
//! merged into it, and its id becomes one of the conversation's wire ids; a row with a conversation of
//! its own becomes a fork. Two live processes of one conversation keep two rows: the later one is
//! marked, and ended after its turn. Nothing that was said, asked or written is dropped.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension as _, params};

/// At most one live process a conversation: the store's guarantee.
const ONE_PROCESS: &str = "CREATE UNIQUE INDEX sessions_one_process ON sessions (claude_session_id)
    WHERE claude_session_id IS NOT NULL AND process IN ('launching', 'live') AND duplicate_of IS NULL";

/// A row as it was: one process.
struct Old {
    key: i64,
    id: String,
    parent_id: Option<String>,
    claude_id: Option<String>,
    live: bool,
    journal_offset: i64,
    first_seq: Option<i64>,
}

/// Merges and marks rows, then lets the database guarantee what follows.
pub fn run(tx: &Connection) -> rusqlite::Result<()> {
    let old = read(tx)?;
    let plan = Plan::of(&old);
    let by_key: HashMap<i64, &Old> = old.iter().map(|row| (row.key, row)).collect();
    for (root, members) in &plan.merged {
        let rows: Vec<&Old> = std::iter::once(root)
            .chain(members)
            .filter_map(|key| by_key.get(key).copied())
            .collect();
        merge(tx, *root, &rows)?;
    }
    for (fork, source) in &plan.forks {
        let first = by_key.get(fork).and_then(|row| row.first_seq);
        make_fork(tx, *fork, *source, first)?;
    }
    for (later, first) in &plan.duplicates {
        tx.execute(
            "UPDATE sessions SET duplicate_of = ?2 WHERE key = ?1",
            [later, first],
        )?;
    }
    tx.execute_batch(ONE_PROCESS)
}

/// What becomes of which row.
#[derive(Default)]
struct Plan {
    /// Rows that go into the row of their conversation.
    merged: BTreeMap<i64, Vec<i64>>,
    /// Rows that show another row's conversation first; sources come before their forks.
    forks: BTreeMap<i64, i64>,
    /// Second live processes, with the first.
    duplicates: BTreeMap<i64, i64>,
}

impl Plan {
    fn of(old: &[Old]) -> Self {
        let ids: HashMap<&str, i64> = old.iter().map(|row| (row.id.as_str(), row.key)).collect();
        let mut plan = Self::default();
        let mut roots: HashMap<i64, i64> = HashMap::new();
        // The agent's name of each conversation, and whether a process of it lives.
        let mut conversations: HashMap<i64, (Option<&str>, bool)> = HashMap::new();
        let mut live: HashMap<&str, i64> = HashMap::new();
        for row in old {
            let parent = row.parent_id.as_deref().and_then(|id| ids.get(id));
            let root = parent
                .filter(|parent| **parent < row.key)
                .map(|parent| roots.get(parent).copied().unwrap_or(*parent));
            let claude_id = row.claude_id.as_deref();
            let known = root.and_then(|root| conversations.get_mut(&root));
            match (root, known) {
                (Some(root), Some((name, lives)))
                    if claude_id.is_some() && *name == claude_id && !(*lives && row.live) =>
                {
                    *lives |= row.live;
                    roots.insert(row.key, root);
                    plan.merged.entry(root).or_default().push(row.key);
                    if row.live
                        && let Some(id) = claude_id
                    {
                        live.entry(id).or_insert(root);
                    }
                    continue;
                }
                (Some(root), _) => {
                    plan.forks.insert(row.key, root);
                }
                (None, _) => {}
            }
            conversations.insert(row.key, (claude_id, row.live));
            if let Some(id) = claude_id.filter(|_| row.live) {
                match live.get(id) {
                    Some(first) => {
                        plan.duplicates.insert(row.key, *first);
                    }
                    None => {
                        live.insert(id, row.key);
                    }
                }
            }
        }
        plan
    }
}

fn read(tx: &Connection) -> rusqlite::Result<Vec<Old>> {
    tx.prepare(
        "SELECT s.key, s.id, s.parent_id, s.claude_session_id, s.process IN ('launching', 'live'), s.journal_offset,
            (SELECT c.seq FROM conversation c WHERE c.session_key = s.key ORDER BY c.sequence LIMIT 1)
         FROM sessions s ORDER BY s.key",
    )?
    .query_map([], |row| {
        Ok(Old {
            key: row.get(0)?,
            id: row.get(1)?,
            parent_id: row.get(2)?,
            claude_id: row.get(3)?,
            live: row.get(4)?,
            journal_offset: row.get(5)?,
            first_seq: row.get(6)?,
        })
    })?
    .collect()
}

/// Brings the rows of one conversation, the first of which is the root's, together in the root's.
fn merge(tx: &Connection, root: i64, rows: &[&Old]) -> rusqlite::Result<()> {
    // What is written next is written by the process that lives: its journal comes last.
    let mut journals: Vec<&Old> = rows.to_vec();
    journals.sort_by_key(|row| (row.live, row.key));
    let mut base = 0;
    let mut last_base = 0;
    let mut present = root;
    for (index, row) in journals.iter().enumerate() {
        let generation = i64::try_from(index + 1).unwrap_or(i64::MAX);
        (last_base, present) = (base, row.key);
        // In two steps: no place is taken by two rows in between.
        tx.execute(
            "UPDATE raw_lines SET session_key = ?2, journal_offset = -(journal_offset + ?3) - 1 WHERE session_key = ?1
                AND journal_offset >= 0",
            params![row.key, root, base],
        )?;
        tx.execute(
            "UPDATE conversation SET sequence = -seq WHERE session_key = ?1",
            [row.key],
        )?;
        tx.execute(
            "UPDATE approvals SET generation = -?2 WHERE session_key = ?1",
            params![row.key, generation],
        )?;
        base += row.journal_offset + 1;
    }
    for row in rows {
        for table in ["conversation", "approvals", "outbox", "events"] {
            tx.execute(
                &format!("UPDATE {table} SET session_key = ?2 WHERE session_key = ?1"),
                [row.key, root],
            )?;
        }
    }
    tx.execute(
        "UPDATE raw_lines SET journal_offset = -journal_offset - 1 WHERE session_key = ?1",
        [root],
    )?;
    tx.execute(
        "UPDATE approvals SET generation = -generation WHERE session_key = ?1",
        [root],
    )?;
    let pieces = tx.execute(
        "UPDATE conversation SET sequence = n FROM (
            SELECT seq AS of, row_number() OVER (ORDER BY seq) AS n FROM conversation WHERE session_key = ?1)
         WHERE seq = of",
        [root],
    )?;
    let next_sequence = i64::try_from(pieces).unwrap_or(i64::MAX - 1) + 1;
    give_wire_ids(tx, root, rows, next_sequence)?;
    add_usage(tx, root, rows)?;
    tx.execute(
        "UPDATE sessions SET (phase, status, process, directory, model_id, config, auto_accept_edits, skip_permissions,
                skip_permissions_until, completed_at, error_message, result_content, background_tasks, archived,
                context_tokens, context_limit, stream_state)
             = (SELECT phase, status, process, directory, model_id, config, auto_accept_edits, skip_permissions,
                skip_permissions_until, completed_at, error_message, result_content, background_tasks, archived,
                context_tokens, context_limit, stream_state FROM sessions WHERE key = ?2),
            journal_offset = ?3 + (SELECT journal_offset FROM sessions WHERE key = ?2), journal_base = ?3,
            generation = ?4, next_sequence = ?5
         WHERE key = ?1",
        params![
            root,
            present,
            last_base,
            i64::try_from(rows.len()).unwrap_or(i64::MAX),
            next_sequence
        ],
    )?;
    if present != root {
        // They are bound to the id of their session.
        tx.execute(
            "INSERT OR REPLACE INTO launch_secrets (session_key, sealed)
             SELECT ?1, again FROM (
                SELECT rebound_launch_secrets(m.id, r.id, l.sealed) AS again
                FROM launch_secrets l JOIN sessions m ON m.key = l.session_key JOIN sessions r ON r.key = ?1
                WHERE l.session_key = ?2)
             WHERE again IS NOT NULL",
            [root, present],
        )?;
    }
    for row in rows.iter().skip(1) {
        tx.execute(
            "UPDATE sessions SET last_activity_at = max(last_activity_at, m.at),
                title = CASE WHEN m.title = '' THEN sessions.title ELSE m.title END
             FROM (SELECT last_activity_at AS at, title FROM sessions WHERE key = ?2) m WHERE key = ?1",
            [root, row.key],
        )?;
        tx.execute("DELETE FROM sessions WHERE key = ?1", [row.key])?;
    }
    Ok(())
}

/// The ids of merged rows go on naming the conversation, each from where it began.
fn give_wire_ids(
    tx: &Connection,
    root: i64,
    rows: &[&Old],
    next_sequence: i64,
) -> rusqlite::Result<()> {
    let last_seq: i64 = tx.query_row(
        "SELECT max((SELECT value FROM counters WHERE name = 'seq'),
            (SELECT coalesce(max(seq), 0) FROM conversation), (SELECT coalesce(max(seq), 0) FROM events))",
        [],
        |row| row.get(0),
    )?;
    for pair in rows.windows(2) {
        let [before, row] = pair else { continue };
        let from_seq = row.first_seq.unwrap_or(last_seq);
        let from_sequence: Option<i64> = tx.query_row(
            "SELECT min(sequence) FROM conversation WHERE session_key = ?1 AND seq >= ?2",
            [root, from_seq],
            |found| found.get(0),
        )?;
        tx.execute(
            "INSERT INTO wire_ids (id, run_id, session_key, parent_id, from_sequence, from_seq, query, title, created_at,
                before)
             SELECT s.id, s.run_id, ?2, s.parent_id, ?3, ?4, s.query, s.title, s.created_at,
                json_object('status', b.status, 'claude_session_id', b.claude_session_id, 'model_id', b.model_id,
                    'last_activity_at', b.last_activity_at, 'completed_at', b.completed_at,
                    'error_message', b.error_message, 'result', b.result_content, 'cost_usd', b.cost_usd,
                    'input_tokens', b.input_tokens, 'output_tokens', b.output_tokens,
                    'cache_creation_input_tokens', b.cache_creation_input_tokens,
                    'cache_read_input_tokens', b.cache_read_input_tokens, 'context_tokens', b.context_tokens,
                    'context_limit', b.context_limit, 'num_turns', b.num_turns, 'duration_ms', b.duration_ms)
             FROM sessions s, sessions b WHERE s.key = ?1 AND b.key = ?5",
            params![
                row.key,
                root,
                from_sequence.unwrap_or(next_sequence),
                from_seq,
                before.key
            ],
        )?;
    }
    Ok(())
}

/// Claude Code's totals go on from process to process: where a later one is not smaller it contains
/// the earlier one. Turns and times are of each process alone.
fn add_usage(tx: &Connection, root: i64, rows: &[&Old]) -> rusqlite::Result<()> {
    let total = |column: &str| {
        format!(
            "{column} = CASE WHEN m.{column} IS NULL THEN sessions.{column}
                WHEN m.{column} >= coalesce(sessions.{column}, 0) THEN m.{column}
                ELSE sessions.{column} + m.{column} END"
        )
    };
    let sum = |column: &str| {
        format!(
            "{column} = CASE WHEN m.{column} IS NULL THEN sessions.{column}
                ELSE coalesce(sessions.{column}, 0) + m.{column} END"
        )
    };
    let assignments = [
        total("cost_usd"),
        total("input_tokens"),
        total("output_tokens"),
        total("cache_creation_input_tokens"),
        total("cache_read_input_tokens"),
        sum("num_turns"),
        sum("duration_ms"),
    ]
    .join(", ");
    for row in rows.iter().skip(1) {
        tx.execute(
            &format!(
                "UPDATE sessions SET {assignments} FROM (SELECT * FROM sessions WHERE key = ?2) m WHERE sessions.key = ?1"
            ),
            [root, row.key],
        )?;
    }
    Ok(())
}

/// Lets a row show its source's conversation up to where it left it.
fn make_fork(
    tx: &Connection,
    fork: i64,
    source: i64,
    first_seq: Option<i64>,
) -> rusqlite::Result<()> {
    let shared: Option<i64> = tx
        .query_row(
            "SELECT max(sequence) FROM conversation WHERE session_key = ?1 AND CASE WHEN ?2 IS NULL
                THEN created_at <= (SELECT created_at FROM sessions WHERE key = ?3) ELSE seq < ?2 END",
            params![source, first_seq, fork],
            |row| row.get(0),
        )
        .optional()?
        .flatten();
    let shared = match shared {
        Some(shared) => shared,
        None => tx.query_row(
            "SELECT fork_sequence FROM sessions WHERE key = ?1",
            [source],
            |row| row.get(0),
        )?,
    };
    tx.execute(
        "UPDATE conversation SET sequence = -sequence WHERE session_key = ?1",
        [fork],
    )?;
    tx.execute(
        "UPDATE conversation SET sequence = ?2 - sequence WHERE session_key = ?1",
        [fork, shared],
    )?;
    tx.execute(
        "UPDATE wire_ids SET from_sequence = from_sequence + ?2 WHERE session_key = ?1",
        [fork, shared],
    )?;
    tx.execute(
        "UPDATE sessions SET forked_from = ?2, fork_sequence = ?3, next_sequence = next_sequence + ?3 WHERE key = ?1",
        [fork, source, shared],
    )
    .map(drop)
}
