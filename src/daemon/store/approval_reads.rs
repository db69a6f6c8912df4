//! Finding and listing approvals.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Doing as _, StoreError, bounds, rows, session_reads};
use crate::domain::{Approval, Kind, Session, Source};

/// Which approvals a list wants.
#[derive(Clone, Debug, Default)]
pub struct ApprovalFilter {
    /// Only this session's.
    pub session: Option<String>,
    /// Only undecided ones.
    pub pending_only: bool,
    /// Most approvals to return; none means all.
    pub limit: Option<u32>,
    /// Continue after this approval of an earlier page.
    pub after: Option<String>,
}

/// Bytes of one page: what an answer may hold, with room for how they are written. A page has one
/// approval at least.
const PAGE_BYTES: u64 = 16 * 1024 * 1024;

/// A page of a list.
#[derive(Clone, Debug, Default)]
pub struct ApprovalPage {
    /// The approvals.
    pub approvals: Vec<Approval>,
    /// Whether the page is full before its number of approvals is reached.
    pub cut: bool,
}

pub fn pending(
    db: &Connection,
    session_key: i64,
    condition: &'static str,
    value: Option<&str>,
) -> Result<Vec<Approval>, StoreError> {
    let sql = format!(
        "SELECT {} FROM approvals a JOIN sessions s ON s.key = a.session_key
         WHERE a.session_key = ?1 AND a.outcome = 'pending' AND ?2 IS ?2 AND {condition} ORDER BY a.key",
        rows::APPROVAL
    );
    db.prepare_cached(&sql)
        .and_then(|mut query| {
            query
                .query_map(params![session_key, value], rows::approval)?
                .collect()
        })
        .doing("find pending approvals")
}

/// What waits about a tool call.
pub fn pending_of_tool_call(
    db: &Connection,
    session_key: i64,
    tool_use_id: &str,
) -> Result<Vec<Approval>, StoreError> {
    pending(db, session_key, "a.tool_use_id = ?2", Some(tool_use_id))
}

/// The tools of the calls that were approved in a session's present process and that have no result.
pub fn without_result(db: &Connection, session: &Session) -> Result<Vec<String>, StoreError> {
    db.prepare_cached(
        "SELECT a.tool_name FROM approvals a
         WHERE a.session_key = ?1 AND a.generation = ?2 AND a.outcome = 'approved' AND a.kind = 'permission'
            AND a.delivered_at IS NOT NULL AND a.tool_use_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM conversation r
                WHERE r.session_key = ?1 AND r.tool_result_for_id = a.tool_use_id)
         ORDER BY a.key",
    )
    .and_then(|mut query| {
        query
            .query_map(params![session.key, session.generation], |row| row.get(0))?
            .collect()
    })
    .doing("find approved calls without a result")
}

/// An approval by its key.
pub fn by_key(db: &Connection, key: i64) -> Result<Approval, StoreError> {
    one(db, "a.key = ?1", &key)?.ok_or_else(|| StoreError::NotFound {
        what: "approval",
        id: key.to_string(),
    })
}

/// The one approval that a condition on `?1` names.
pub fn one(
    db: &Connection,
    condition: &'static str,
    value: &dyn rusqlite::ToSql,
) -> Result<Option<Approval>, StoreError> {
    db.prepare_cached(&format!(
        "SELECT {} FROM approvals a JOIN sessions s ON s.key = a.session_key WHERE {condition}",
        rows::APPROVAL
    ))
    .and_then(|mut query| query.query_row([value], rows::approval).optional())
    .doing("read an approval")
}

/// An approval by its whole id, or a unique prefix with or without the `local-` that ids begin with.
pub fn find(db: &Connection, id: &str) -> Result<Approval, StoreError> {
    if let Some(approval) = one(db, "a.id = ?1", &id)? {
        return Ok(approval);
    }
    let not_found = || StoreError::NotFound {
        what: "approval",
        id: id.to_owned(),
    };
    let with_prefix = if id.starts_with("local-") {
        id.to_owned()
    } else {
        format!("local-{id}")
    };
    if id.is_empty() {
        return Err(not_found());
    }
    let end = session_reads::prefix_end(&with_prefix).ok_or_else(not_found)?;
    let keys: Vec<i64> = db
        .prepare_cached("SELECT key FROM approvals WHERE id >= ?1 AND id < ?2 LIMIT 2")
        .and_then(|mut query| {
            query
                .query_map([with_prefix, end], |row| row.get(0))?
                .collect()
        })
        .doing("find an approval")?;
    match keys.as_slice() {
        [] => Err(not_found()),
        [key] => by_key(db, *key),
        _ => Err(StoreError::Ambiguous {
            what: "approval",
            id: id.to_owned(),
        }),
    }
}

/// Approvals of a list.
pub fn list(db: &Connection, filter: &ApprovalFilter) -> Result<ApprovalPage, StoreError> {
    let session_key = filter
        .session
        .as_deref()
        .map(|id| session_reads::resolve(db, id))
        .transpose()?
        .map(|s| s.key);
    let after = filter
        .after
        .as_deref()
        .map(|id| find(db, id))
        .transpose()?
        .map(|a| a.key);
    let (pending, order, past) = if filter.pending_only {
        ("AND a.outcome = 'pending'", "ASC", ">")
    } else {
        ("", "DESC", "<")
    };
    let sql = format!(
        "SELECT {}, {} AS bytes FROM approvals a JOIN sessions s ON s.key = a.session_key
         WHERE (?1 IS NULL OR a.session_key = ?1) AND (?2 IS NULL OR a.key {past} ?2) {pending}
         ORDER BY a.key {order} LIMIT ?3",
        rows::APPROVAL,
        bounds::BYTES
    );
    let read = || -> rusqlite::Result<ApprovalPage> {
        let mut query = db.prepare_cached(&sql)?;
        let limit = filter.limit.map_or(-1, i64::from);
        let mut rows = query.query(params![session_key, after, limit])?;
        let (mut page, mut bytes) = (ApprovalPage::default(), 0_u64);
        while let Some(row) = rows.next()? {
            bytes = bytes.saturating_add(row.get::<_, i64>("bytes")?.unsigned_abs());
            if bytes > PAGE_BYTES && !page.approvals.is_empty() {
                page.cut = true;
                break;
            }
            page.approvals.push(rows::approval(row)?);
        }
        Ok(page)
    };
    read().doing("list approvals")
}

/// A request by its source and the program's name for it.
pub fn by_call(
    db: &Connection,
    source: Source,
    call_id: &str,
) -> Result<Option<Approval>, StoreError> {
    let sql = format!(
        "SELECT {} FROM approvals a JOIN sessions s ON s.key = a.session_key WHERE a.source = ? AND a.call_id = ?",
        rows::APPROVAL
    );
    db.prepare_cached(&sql)
        .and_then(|mut query| {
            query
                .query_row([source.as_str(), call_id], rows::approval)
                .optional()
        })
        .doing("find a request")
}

pub fn pending_page(
    db: &Connection,
    source: Source,
    kind: Kind,
    limit: u32,
    offset: u32,
) -> Result<(Vec<Approval>, u64), StoreError> {
    let condition = "outcome = 'pending' AND call_id IS NOT NULL AND source = ?1 AND kind = ?2";
    let total: i64 = db
        .prepare_cached(&format!("SELECT count(*) FROM approvals WHERE {condition}"))
        .and_then(|mut query| query.query_row([source.as_str(), kind.as_str()], |row| row.get(0)))
        .doing("count the pending requests")?;
    let sql = format!(
        "SELECT {} FROM approvals a JOIN sessions s ON s.key = a.session_key WHERE a.key IN (
            SELECT key FROM approvals WHERE {condition} ORDER BY key LIMIT ?3 OFFSET ?4) ORDER BY a.key",
        rows::APPROVAL
    );
    let page = db
        .prepare_cached(&sql)
        .and_then(|mut query| {
            query
                .query_map(
                    params![source.as_str(), kind.as_str(), limit, offset],
                    rows::approval,
                )?
                .collect()
        })
        .doing("list the pending requests")?;
    Ok((page, total.unsigned_abs()))
}
