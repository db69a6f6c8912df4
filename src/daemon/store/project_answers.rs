//! What people said about the files that projects bring for Claude Code, and what follows from that.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;

use super::rows::micros;
use super::tx::Write;
use super::{Doing as _, StoreError, seals};
use crate::daemon::secrets::Sealer;
use crate::domain::Approval;
use crate::domain::project::{self, Project};

/// Answers and grants that are looked through for one from which a new one follows, the newest.
const LOOKED_AT: i64 = 200;

const TABLE: &str = "project_settings";

/// What was said about a project's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectAnswer {
    /// Use them.
    Use,
    /// Launch without them.
    Without,
}

/// The answer that this daemon wrote itself.
pub fn answer(
    db: &Connection,
    sealer: &Sealer,
    project: &Project,
) -> Result<Option<ProjectAnswer>, StoreError> {
    let rows: Vec<(i64, bool)> = db
        .prepare_cached(
            "SELECT key, used FROM project_settings WHERE repository = ? AND fingerprint = ? AND used IS NOT NULL
             ORDER BY key DESC LIMIT ?",
        )
        .and_then(|mut query| {
            let key = params![project.repository, project.fingerprint(), LOOKED_AT];
            query
                .query_map(key, |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .doing("look for an answer about a project's files")?;
    let rows = seals::ours(db, sealer, TABLE, rows, |(key, _)| key.to_string())?;
    Ok(rows.first().map(|(_, used)| match used {
        true => ProjectAnswer::Use,
        false => ProjectAnswer::Without,
    }))
}

/// Whether they are files that a person wants used, or none, with nothing in them but what a person has
/// granted with approvals there.
pub fn follows(db: &Connection, sealer: &Sealer, project: &Project) -> Result<bool, StoreError> {
    let granted = granted(db, sealer, &project.repository)?;
    if granted.is_empty() {
        return Ok(false);
    }
    let nothing = (Project::default().rest_fingerprint(), BTreeMap::new());
    let mut bases = vec![nothing];
    bases.extend(used(db, sealer, project)?);
    let now: BTreeMap<&str, &str> = project.settings().into_iter().collect();
    let rest = project.rest_fingerprint();
    Ok(bases.iter().any(|(base_rest, before)| {
        let paths = before.keys().map(String::as_str).chain(now.keys().copied());
        *base_rest == rest
            && paths.into_iter().all(|path| {
                let before = before.get(path).map_or("", String::as_str);
                project::is_granted(before, now.get(path).copied().unwrap_or(""), &granted)
            })
    }))
}

/// The fingerprint of all but the settings, and the settings by path, that a person wants used.
type Agreed = (String, BTreeMap<String, String>);

/// The settings that people want used in a repository, with the fingerprints of the rest.
fn used(db: &Connection, sealer: &Sealer, project: &Project) -> Result<Vec<Agreed>, StoreError> {
    let rows: Vec<(i64, String, String)> = db
        .prepare_cached(
            "SELECT key, rest_fingerprint, settings FROM project_settings WHERE repository = ? AND used = 1
             ORDER BY key DESC LIMIT ?",
        )
        .and_then(|mut query| {
            query
                .query_map(params![project.repository, LOOKED_AT], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect()
        })
        .doing("list answers about a project's files")?;
    let rows = seals::ours(db, sealer, TABLE, rows, |(key, ..)| key.to_string())?;
    let read = |(_, rest, settings): (i64, String, String)| {
        serde_json::from_str(&settings)
            .ok()
            .map(|settings| (rest, settings))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// The permission updates that people have granted with approvals of sessions in a repository.
fn granted(db: &Connection, sealer: &Sealer, repository: &str) -> Result<Vec<Value>, StoreError> {
    let rows: Vec<(i64, i64, String)> = db
        .prepare_cached(
            "SELECT a.key, s.key, a.updated_permissions FROM approvals a JOIN sessions s ON s.key = a.session_key
             WHERE a.outcome = 'approved' AND a.updated_permissions IS NOT NULL AND s.repository = ?
             ORDER BY a.key DESC LIMIT ?",
        )
        .and_then(|mut query| {
            query
                .query_map(params![repository, LOOKED_AT], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect()
        })
        .doing("list what was granted in a repository")?;
    let rows = seals::ours(db, sealer, "grants", rows, |(key, ..)| key.to_string())?;
    let rows = seals::ours(db, sealer, "repositories", rows, |(_, session, _)| {
        session.to_string()
    })?;
    let lists = rows
        .iter()
        .filter_map(|(.., row)| serde_json::from_str::<Vec<Value>>(row).ok());
    Ok(lists.flatten().collect())
}

pub fn remember(
    write: &Write<'_>,
    project: &Project,
    approval_key: Option<i64>,
    used: Option<bool>,
) -> Result<(), StoreError> {
    let settings: BTreeMap<&str, &str> = project.settings().into_iter().collect();
    let settings = serde_json::to_string(&settings).map_err(|error| StoreError::Value {
        what: "settings",
        problem: error.to_string(),
    })?;
    write
        .db
        .prepare_cached(
            "INSERT INTO project_settings (repository, fingerprint, rest_fingerprint, settings, approval_key, used,
                answered_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                project.repository,
                project.fingerprint(),
                project.rest_fingerprint(),
                settings,
                approval_key,
                used,
                used.map(|_| micros(write.now)),
            ])
        })
        .map(drop)
        .doing("remember a project's files")
}

/// Remembers the answer to a question about a project's files. Returns the keys of the approvals that ask the same; none
/// where the approval asks about no files.
pub fn note_answer(
    write: &Write<'_>,
    approval: &Approval,
    used: bool,
) -> Result<Option<Vec<i64>>, StoreError> {
    let now = micros(write.now);
    let about: Option<(String, String)> = write
        .db
        .prepare_cached(
            "UPDATE project_settings SET used = ?2, answered_at = ?3 WHERE approval_key = ?1
             RETURNING repository, fingerprint",
        )
        .and_then(|mut update| {
            update
                .query_row(params![approval.key, used, now], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        })
        .doing("remember an answer about a project's files")?;
    let Some((repository, fingerprint)) = about else {
        return Ok(None);
    };
    write
        .db
        .prepare_cached(
            "SELECT a.key FROM approvals a JOIN project_settings p ON p.approval_key = a.key
             WHERE p.repository = ? AND p.fingerprint = ? AND p.used IS NULL AND a.outcome = 'pending'",
        )
        .and_then(|mut query| {
            query
                .query_map([repository, fingerprint], |row| row.get(0))?
                .collect()
        })
        .doing("look for the same question")
        .map(Some)
}
