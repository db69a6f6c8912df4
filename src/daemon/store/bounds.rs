//! How much may be pending: no asker drowns the inbox, nor fills the disk with questions.

use rusqlite::{Connection, params};

use super::{Doing as _, StoreError};
use crate::domain::Source;

/// How much may be pending before a new request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingBounds {
    /// Requests of one asker.
    pub per_asker: u64,
    /// Requests of all askers of that source.
    pub in_all: u64,
    /// Bytes of the requests of one asker.
    pub bytes_per_asker: u64,
    /// Bytes of the requests of all askers of that source.
    pub bytes_in_all: u64,
}

/// Permission prompts that come over MCP: of one session, and of all.
pub const OF_MCP: PendingBounds = PendingBounds {
    per_asker: 200,
    in_all: 2_000,
    bytes_per_asker: 32 * MIB,
    bytes_in_all: 256 * MIB,
};

/// Contacts that the agent of one session, or the program behind one, asks for.
pub const CONTACTS_OF_SESSION: PendingBounds = PendingBounds {
    per_asker: 1_000,
    in_all: 5_000,
    bytes_per_asker: 32 * MIB,
    bytes_in_all: 256 * MIB,
};

/// What the agent of a session asks itself; what it asks beyond that is denied.
pub const OF_AGENT: PendingBounds = PendingBounds {
    per_asker: 1_000,
    in_all: u64::MAX,
    bytes_per_asker: 128 * MIB,
    bytes_in_all: u64::MAX,
};

const MIB: u64 = 1024 * 1024;

/// The bytes of a row that an asker chose.
pub const BYTES: &str = "octet_length(a.tool_input) + coalesce(octet_length(a.raw_input), 0)
    + coalesce(octet_length(a.suggestions), 0) + coalesce(octet_length(a.channel), 0)
    + coalesce(octet_length(a.sdk_state), 0) + coalesce(octet_length(a.updated_input), 0)";

/// What is pending.
struct Pending {
    requests: u64,
    bytes: u64,
}

/// Whose requests are counted.
#[derive(Clone, Copy)]
pub enum Asker<'a> {
    /// A session's.
    Session(i64),
    /// Those of programs of a name.
    Named(Option<&'a str>),
}

fn pending(
    db: &Connection,
    source: Source,
    // The planner would look through all that a session ever asked.
    index: &str,
    condition: &str,
    value: &dyn rusqlite::ToSql,
) -> Result<Pending, StoreError> {
    db.prepare_cached(&format!(
        "SELECT count(*), coalesce(sum({BYTES}), 0) FROM approvals a {index}
         WHERE a.source = ?1 AND a.outcome = 'pending' AND {condition}"
    ))
    .and_then(|mut query| {
        query.query_row(params![source.as_str(), value], |row| {
            Ok(Pending {
                requests: row.get::<_, i64>(0)?.unsigned_abs(),
                bytes: row.get::<_, i64>(1)?.unsigned_abs(),
            })
        })
    })
    .doing("count what is pending")
}

/// Checks that a further request of `bytes` keeps within the bounds.
pub fn check(
    db: &Connection,
    source: Source,
    asker: Asker<'_>,
    bytes: usize,
    bounds: PendingBounds,
) -> Result<(), StoreError> {
    let (of_asker, whose) = match asker {
        Asker::Session(key) => (
            pending(
                db,
                source,
                "INDEXED BY approvals_pending",
                "a.session_key = ?2",
                &key,
            )?,
            "of this session",
        ),
        Asker::Named(name) => (
            // Whatever programs ask under a name has a call's name, too.
            pending(
                db,
                source,
                "INDEXED BY approvals_by_asker",
                "a.asker IS ?2 AND a.call_id IS NOT NULL",
                &name,
            )?,
            "of this asker",
        ),
    };
    within(
        &of_asker,
        bytes,
        (bounds.per_asker, bounds.bytes_per_asker),
        whose,
        false,
    )?;
    if bounds.in_all == u64::MAX {
        return Ok(());
    }
    let of_all = pending(db, source, "", "?2 IS NULL", &rusqlite::types::Null)?;
    within(
        &of_all,
        bytes,
        (bounds.in_all, bounds.bytes_in_all),
        "of all askers",
        true,
    )
}

fn within(
    pending: &Pending,
    bytes: usize,
    (most, most_bytes): (u64, u64),
    whose: &'static str,
    of_all: bool,
) -> Result<(), StoreError> {
    let full = |limit, what| StoreError::Full {
        limit,
        what,
        whose,
        of_all,
    };
    if pending.requests >= most {
        return Err(full(most, "requests"));
    }
    // A single request is bounded by what carries it.
    if pending.requests > 0 && pending.bytes.saturating_add(bytes as u64) > most_bytes {
        return Err(full(most_bytes / MIB, "MiB of requests"));
    }
    Ok(())
}
