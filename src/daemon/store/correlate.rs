//! Which tool call a program's request is about.
//!
//! An agent's MCP server asks a HumanLayer API under the session's run id, with the tool's name and
//! input but not the tool call's id. The request and the tool call can arrive in either order, and
//! the run id may be that of a session which this one was forked off, or that was forked off it. The pairing
//! is by name and input, the oldest unpaired first.

use rusqlite::{Connection, params};
use serde_json::Value;

use super::tx::Write;
use super::{Doing as _, StoreError, approval_reads, events, session_reads, session_state};
use crate::domain::session::Process;
use crate::domain::{EventBody, Session};

/// Most relatives of a session that are looked at.
const MAX_FAMILY: usize = 1000;

/// How far back in a conversation an open tool call is looked for, in pieces: calls that wait are
/// near its end.
const LOOK_BACK: i64 = 500;

/// Where a request belongs.
pub struct Place {
    pub session: Session,
    pub tool_use_id: Option<String>,
}

/// Where a tool request of a run belongs: with the open tool call that it is about, else with the
/// session of that run, or the one that lives among its forks and what it was forked off.
pub fn place(
    db: &Connection,
    session: Session,
    tool_name: &str,
    tool_input: &Value,
) -> Result<Place, StoreError> {
    if session.process == Process::External {
        return Ok(Place {
            session,
            tool_use_id: None,
        });
    }
    let family = family(db, &session)?;
    for key in &family {
        if let Some(tool_use_id) = open_call(db, *key, tool_name, tool_input)? {
            return Ok(Place {
                session: session_reads::by_key(db, *key)?,
                tool_use_id: Some(tool_use_id),
            });
        }
    }
    if session.process.is_ours_and_alive() {
        return Ok(Place {
            session,
            tool_use_id: None,
        });
    }
    for key in family {
        let relative = session_reads::by_key(db, key)?;
        if relative.process.is_ours_and_alive() {
            return Ok(Place {
                session: relative,
                tool_use_id: None,
            });
        }
    }
    Ok(Place {
        session,
        tool_use_id: None,
    })
}

/// Whether any request still lacks its tool call.
pub fn any_without_call(db: &Connection) -> Result<bool, StoreError> {
    db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM approvals INDEXED BY approvals_without_call
            WHERE outcome = 'pending' AND call_id IS NOT NULL AND tool_use_id IS NULL AND kind = 'permission')",
    )
    .and_then(|mut query| query.query_row([], |row| row.get(0)))
    .doing("look for requests without a tool call")
}

/// Gives a tool call that has just arrived the request that was there before it.
pub fn adopt(
    write: &mut Write<'_>,
    session: &Session,
    tool_use_id: &str,
    tool_name: &str,
    tool_input: &str,
) -> Result<(), StoreError> {
    let input: Value = serde_json::from_str(tool_input).unwrap_or_default();
    let mut found = None;
    for owner in family(write.db, session)? {
        let waiting = without_call(write.db, owner, tool_name)?;
        let same = |(_, theirs): &(i64, String)| {
            serde_json::from_str(theirs).is_ok_and(|theirs: Value| same_json(&theirs, &input))
        };
        if let Some((key, _)) = waiting.into_iter().find(same) {
            found = Some((key, owner));
            break;
        }
    }
    let Some((key, owner)) = found else {
        return Ok(());
    };
    write
        .db
        .prepare_cached("UPDATE approvals SET tool_use_id = ?2, session_key = ?3 WHERE key = ?1")
        .and_then(|mut update| update.execute(params![key, tool_use_id, session.key]))
        .doing("pair a request with its tool call")?;
    if owner != session.key {
        // Known under another session so far: told again under the right one.
        let approval = approval_reads::by_key(write.db, key)?;
        events::approval_event(write, &session.run_id, approval, EventBody::NewApproval)?;
        session_state::refresh_status(write, owner)?;
        session_state::refresh_status(write, session.key)?;
    }
    Ok(())
}

/// The requests of a session about a tool that lack their tool call, oldest first: keys and inputs.
fn without_call(
    db: &Connection,
    session_key: i64,
    tool_name: &str,
) -> Result<Vec<(i64, String)>, StoreError> {
    db.prepare_cached(
        "SELECT key, tool_input FROM approvals INDEXED BY approvals_without_call
         WHERE outcome = 'pending' AND call_id IS NOT NULL AND tool_use_id IS NULL AND kind = 'permission'
            AND session_key = ? AND tool_name = ? ORDER BY key",
    )
    .and_then(|mut query| {
        query
            .query_map(params![session_key, tool_name], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect()
    })
    .doing("find a tool call's request")
}

/// A session, what it was forked off and its forks; itself first, then the newest.
fn family(db: &Connection, session: &Session) -> Result<Vec<i64>, StoreError> {
    let relatives: Vec<i64> = db
        .prepare_cached(
            "WITH RECURSIVE
                up (key, source) AS (
                    SELECT key, forked_from FROM sessions WHERE key = ?1
                    UNION SELECT s.key, s.forked_from FROM sessions s JOIN up ON s.key = up.source LIMIT ?2),
                down (key) AS (
                    SELECT ?1
                    UNION SELECT s.key FROM sessions s JOIN down ON s.forked_from = down.key LIMIT ?2)
             SELECT key FROM up UNION SELECT key FROM down ORDER BY key DESC",
        )
        .and_then(|mut query| {
            query
                .query_map(params![session.key, MAX_FAMILY as i64], |row| row.get(0))?
                .collect()
        })
        .doing("find a session's relatives")?;
    let others = relatives.into_iter().filter(|key| *key != session.key);
    Ok(std::iter::once(session.key).chain(others).collect())
}

/// The oldest tool call near a conversation's end that has neither result nor approval.
fn open_call(
    db: &Connection,
    session_key: i64,
    tool_name: &str,
    tool_input: &Value,
) -> Result<Option<String>, StoreError> {
    let calls: Vec<(String, String)> = db
        .prepare_cached(
            "SELECT c.tool_id, c.tool_input FROM conversation c
             WHERE c.session_key = ?1 AND c.sequence > (SELECT next_sequence FROM sessions WHERE key = ?1) - ?3
                AND c.event_type = 'tool_call' AND c.tool_name = ?2 AND c.tool_id IS NOT NULL AND c.tool_input IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM conversation r
                    WHERE r.session_key = ?1 AND r.tool_result_for_id = c.tool_id)
                AND NOT EXISTS (SELECT 1 FROM approvals a WHERE a.session_key = ?1 AND a.tool_use_id = c.tool_id)
             ORDER BY c.sequence",
        )
        .and_then(|mut query| {
            query
                .query_map(params![session_key, tool_name, LOOK_BACK], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect()
        })
        .doing("find a request's tool call")?;
    Ok(calls.into_iter().find_map(|(id, input)| {
        serde_json::from_str(&input)
            .is_ok_and(|input: Value| same_json(&input, tool_input))
            .then_some(id)
    }))
}

/// Whether two JSON values mean the same. On its way through other programs the order of an object's
/// fields may have changed, and `1.0` become `1`.
pub fn same_json(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(name, a)| b.get(name).is_some_and(|b| same_json(a, b)))
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_compared_by_its_meaning() {
        let same = [
            (json!({"a": 1, "b": [1.0]}), json!({"b": [1], "a": 1})),
            (json!("x"), json!("x")),
        ];
        for (a, b) in same {
            assert!(same_json(&a, &b), "{a} {b}");
        }
        let other = [
            (json!({"a": 1}), json!({"a": 1, "b": null})),
            (json!([1, 2]), json!([2, 1])),
            (json!(1), json!("1")),
        ];
        for (a, b) in other {
            assert!(!same_json(&a, &b), "{a} {b}");
        }
    }
}
