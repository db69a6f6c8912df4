//! Seals: show which rows that permit something this daemon wrote itself.
//!
//! Standing permissions, modes, places, confirmed terminals and keys are rows that anybody who can write the file could
//! make. Each gets an authentication code with the key beside the database, in the transaction that changes it;
//! temporary triggers of the writing connection tell which those are. Runners have one code for all together, which
//! shows as well that one was taken away. At a start the rows whose code does not
//! fit are known as a foreign writer's. (Who also reads the key can make codes; see SECURITY.)

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Doing as _, StoreError};
use crate::daemon::secrets::Sealer;

/// Rows that permit something.
struct Kind {
    /// What they are called among the codes.
    kind: &'static str,
    /// Their table.
    table: &'static str,
    /// The column that has a value in those that matter; none where all do.
    having: Option<&'static str>,
    /// What one is to be called to a person, as SQL.
    name: &'static str,
    /// Which one it is, as SQL; `r` is the row.
    row: &'static str,
    /// What permits, as SQL.
    text: &'static str,
    /// The columns in that.
    columns: &'static str,
    /// Whether all rows have one code together, which shows as well that one was taken away.
    is_whole: bool,
}

/// The row of a kind whose rows have one code together.
pub const ALL: &str = "all";

impl Kind {
    /// What its rows are taken from, as SQL.
    fn source(&self) -> String {
        match self.having {
            _ if self.is_whole => "(SELECT 1)".to_owned(),
            Some(column) => format!("(SELECT * FROM {} WHERE {column} IS NOT NULL)", self.table),
            None => self.table.to_owned(),
        }
    }
}

const KINDS: [Kind; 8] = [
    Kind {
        kind: "sessions",
        table: "sessions",
        having: None,
        name: "'session ' || substr(r.id, 1, 8)",
        row: "CAST(r.key AS TEXT)",
        text: "json_array(r.id, r.auto_accept_edits, r.skip_permissions, r.skip_permissions_until, r.permission_mode, r.config)",
        columns: "id, auto_accept_edits, skip_permissions, skip_permissions_until, permission_mode, config",
        is_whole: false,
    },
    Kind {
        kind: "places",
        table: "places",
        having: None,
        name: "'place ' || r.id",
        row: "CAST(r.id AS TEXT)",
        text: "json_array(r.kind, r.name, r.boot_id, r.pid, r.start_time, r.program, r.added_by)",
        columns: "kind, name, boot_id, pid, start_time, program, added_by",
        is_whole: false,
    },
    Kind {
        kind: "confirmed_terminals",
        table: "confirmed_terminals",
        having: None,
        name: "'terminal ' || r.pid",
        row: "r.boot_id || ' ' || r.pid || ' ' || r.start_time",
        text: "json_array(r.program, r.confirmed_by)",
        columns: "program, confirmed_by",
        is_whole: false,
    },
    Kind {
        kind: "api_keys",
        table: "api_keys",
        having: None,
        name: "'key ' || r.name",
        row: "CAST(r.id AS TEXT)",
        text: "json_array(r.name, hex(r.hash), r.may_decide, r.revoked_at)",
        columns: "name, hash, may_decide, revoked_at",
        is_whole: false,
    },
    Kind {
        kind: "project_settings",
        table: "project_settings",
        having: None,
        name: "'answer ' || r.key || ' about a project'",
        row: "CAST(r.key AS TEXT)",
        text: "json_array(r.repository, r.fingerprint, r.rest_fingerprint, r.settings, r.used)",
        columns: "repository, fingerprint, rest_fingerprint, settings, used",
        is_whole: false,
    },
    // What a person granted with an approval, and in which repository.
    Kind {
        kind: "grants",
        table: "approvals",
        having: Some("updated_permissions"),
        name: "'approval ' || substr(r.id, 1, 14)",
        row: "CAST(r.key AS TEXT)",
        text: "json_array(r.id, r.session_key, r.updated_permissions)",
        columns: "id, session_key, updated_permissions",
        is_whole: false,
    },
    Kind {
        kind: "repositories",
        table: "sessions",
        having: Some("repository"),
        name: "'the repository of session ' || substr(r.id, 1, 8)",
        row: "CAST(r.key AS TEXT)",
        text: "json_array(r.id, r.repository)",
        columns: "id, repository",
        is_whole: false,
    },
    Kind {
        kind: "runners",
        table: "runners",
        having: None,
        name: "'the list of runners'",
        row: "'all'",
        text: "(SELECT json_group_array(json_array(hex(public_key), directory, session_id, boot_id, pid, start_time))
                FROM (SELECT * FROM runners ORDER BY public_key))",
        columns: "public_key, directory, session_id, boot_id, pid, start_time",
        is_whole: true,
    },
];

/// Most names in what a person is told.
const NAMED: usize = 5;

/// Begins to seal what changes; on the connection that writes.
pub fn begin(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "CREATE TEMP TABLE unsealed (kind TEXT NOT NULL, row TEXT NOT NULL, PRIMARY KEY (kind, row)) WITHOUT ROWID",
    )?;
    for Kind {
        kind,
        table,
        having,
        row,
        columns,
        ..
    } in &KINDS
    {
        let note = |of: &str| {
            let row = row.replace("r.", of);
            format!("BEGIN INSERT OR IGNORE INTO unsealed VALUES ('{kind}', {row}); END")
        };
        // Column by column: most changes of a session are none of these, and its configuration is long.
        let differs: Vec<String> = columns
            .split(", ")
            .map(|column| format!("old.{column} IS NOT new.{column}"))
            .collect();
        let matters = |of: &str| match having {
            Some(column) => format!("WHEN {of}.{column} IS NOT NULL"),
            None => String::new(),
        };
        db.execute_batch(&format!(
            "CREATE TEMP TRIGGER seal_new_{kind} AFTER INSERT ON main.{table} {new_matters} {on_new};
             CREATE TEMP TRIGGER seal_changed_{kind} AFTER UPDATE OF {columns} ON main.{table}
                 WHEN {differs} {on_new};
             CREATE TEMP TRIGGER seal_gone_{kind} AFTER DELETE ON main.{table} {old_matters} {on_old};",
            new_matters = matters("new"),
            old_matters = matters("old"),
            differs = differs.join(" OR "),
            on_new = note("new."),
            on_old = note("old."),
        ))?;
    }
    Ok(())
}

/// Seals what has changed since the last time. In its transaction, at the end.
pub fn seal_changed(db: &Connection, sealer: &Sealer) -> rusqlite::Result<()> {
    let changed: Vec<(String, String)> = db
        .prepare_cached("SELECT kind, row FROM temp.unsealed")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    if changed.is_empty() {
        return Ok(());
    }
    for (name, row) in changed {
        let Some(kind) = KINDS.iter().find(|kind| kind.kind == name) else {
            continue;
        };
        let text: Option<String> = db
            .prepare_cached(&format!(
                "SELECT {} FROM {} r WHERE {} = ?",
                kind.text,
                kind.source(),
                kind.row
            ))?
            .query_row([&row], |found| found.get(0))
            .optional()?;
        put(db, sealer, kind.kind, &row, text.as_deref())?;
    }
    db.prepare_cached("DELETE FROM temp.unsealed")?
        .execute([])
        .map(drop)
}

/// Seals everything as it is: at the first start that does, and once a person has confirmed it.
pub fn seal_all(db: &Connection, sealer: &Sealer) -> rusqlite::Result<()> {
    db.execute("DELETE FROM seals", [])?;
    for kind in &KINDS {
        // One of a later migration than the first seals.
        let is_there = db
            .prepare_cached("SELECT 1 FROM pragma_table_info(?) WHERE name = ?")?
            .exists([
                kind.table,
                kind.columns.rsplit(", ").next().unwrap_or_default(),
            ])?;
        if !is_there {
            continue;
        }
        seal_kind(db, sealer, kind)?;
    }
    Ok(())
}

/// Takes the seals off what permits something: it is not known whether a person still wants that. What shows who is a
/// person stays, or nobody could say so.
pub fn take_off(db: &Connection) -> rusqlite::Result<()> {
    db.execute(
        "DELETE FROM seals WHERE kind NOT IN ('places', 'confirmed_terminals', 'runners')",
        [],
    )
    .map(drop)
}

/// Seals all rows of some kinds: at the first start that knows them.
pub fn seal_kinds(db: &Connection, sealer: &Sealer, kinds: &[&str]) -> rusqlite::Result<()> {
    for kind in KINDS.iter().filter(|kind| kinds.contains(&kind.kind)) {
        seal_kind(db, sealer, kind)?;
    }
    Ok(())
}

fn seal_kind(db: &Connection, sealer: &Sealer, kind: &Kind) -> rusqlite::Result<()> {
    let mut rows = Vec::new();
    each(db, kind, |row, _, text, _| {
        rows.push((row.to_owned(), text.to_owned()));
        Ok(())
    })?;
    for (row, text) in rows {
        put(db, sealer, kind.kind, &row, Some(&text))?;
    }
    Ok(())
}

/// Names the rows that somebody else wrote.
pub fn foreign(db: &Connection, sealer: &Sealer) -> rusqlite::Result<Vec<String>> {
    let mut foreign = Vec::new();
    for kind in &KINDS {
        each(db, kind, |row, name, text, code| {
            if !fits(sealer, kind.kind, row, text, code) {
                foreign.push(name.to_owned());
            }
            Ok(())
        })?;
    }
    Ok(foreign)
}

/// Whether somebody else has changed what is on record of runners, as far as that can be told. It cannot with a key
/// that fits nothing at all; and what another key has sealed was sealed by a daemon that had that one for a while.
pub fn runners_are_foreign(db: &Connection, sealer: &Sealer) -> rusqlite::Result<bool> {
    let Some(own) = sealer.key_id() else {
        return Ok(false);
    };
    let mut foreign = false;
    for kind in KINDS.iter().filter(|kind| kind.is_whole) {
        each(db, kind, |row, _, text, code| {
            let is_of_this_key = code.is_none_or(|code| code.starts_with(&own));
            foreign |= is_of_this_key && !fits(sealer, kind.kind, row, text, code);
            Ok(())
        })?;
    }
    if !foreign {
        return Ok(false);
    }
    let mut is_right_key = false;
    for kind in KINDS.iter().filter(|kind| !kind.is_whole) {
        each(db, kind, |row, _, text, code| {
            is_right_key = is_right_key || fits(sealer, kind.kind, row, text, code);
            Ok(())
        })?;
    }
    Ok(is_right_key)
}

/// Whether a row is sealed as it is.
pub fn holds(db: &Connection, sealer: &Sealer, name: &str, row: &str) -> rusqlite::Result<bool> {
    let Some(kind) = KINDS.iter().find(|kind| kind.kind == name) else {
        return Ok(false);
    };
    let found: Option<(String, Option<Vec<u8>>)> = db
        .prepare_cached(&format!(
            "SELECT {}, s.code FROM {} r LEFT JOIN seals s ON s.kind = '{name}' AND s.row = {row}
             WHERE {row} = ?",
            kind.text,
            kind.source(),
            row = kind.row
        ))?
        .query_row([row], |found| Ok((found.get(0)?, found.get(1)?)))
        .optional()?;
    Ok(found.is_some_and(|(text, code)| fits(sealer, name, row, &text, code.as_deref())))
}

/// Leaves out what somebody else wrote.
pub fn ours<T>(
    db: &Connection,
    sealer: &Sealer,
    table: &str,
    rows: Vec<T>,
    row: impl Fn(&T) -> String,
) -> Result<Vec<T>, StoreError> {
    let mut ours = Vec::with_capacity(rows.len());
    for found in rows {
        if holds(db, sealer, table, &row(&found)).doing("look who wrote a row")? {
            ours.push(found);
        }
    }
    Ok(ours)
}

fn fits(sealer: &Sealer, table: &str, row: &str, text: &str, code: Option<&[u8]>) -> bool {
    code.is_some() && code_for(sealer, table, row, text).as_deref() == code
}

/// The code of a row; that of all rows of a kind tells as well with which key it was made.
fn code_for(sealer: &Sealer, table: &str, row: &str, text: &str) -> Option<Vec<u8>> {
    let code = sealer.code(&message(table, row, text))?;
    let mut whole = Vec::new();
    if row == ALL {
        whole.extend(sealer.key_id()?);
    }
    whole.extend(code);
    Some(whole)
}

/// What a person is told of foreign rows.
pub fn describe(foreign: &[String]) -> String {
    let named: Vec<&str> = foreign.iter().take(NAMED).map(String::as_str).collect();
    let more = match foreign.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "while no daemon ran, another program wrote what permits something ({}{more}): no standing permission applies until you have looked at what is in force and acknowledged this. If the key beside the database was lost or replaced instead, put the right one back and restart the daemon",
        named.join(", ")
    )
}

/// Each row of a kind: which, its name, what permits in it, and its code.
fn each(
    db: &Connection,
    kind: &Kind,
    mut tell: impl FnMut(&str, &str, &str, Option<&[u8]>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let Kind {
        kind: of,
        name,
        row,
        text,
        ..
    } = kind;
    let source = kind.source();
    let mut query = db.prepare(&format!(
        "SELECT {row}, {name}, {text}, s.code FROM {source} r
         LEFT JOIN seals s ON s.kind = '{of}' AND s.row = {row}"
    ))?;
    let mut rows = query.query([])?;
    while let Some(found) = rows.next()? {
        let (row, name): (String, String) = (found.get(0)?, found.get(1)?);
        let (text, code): (String, Option<Vec<u8>>) = (found.get(2)?, found.get(3)?);
        tell(&row, &name, &text, code.as_deref())?;
    }
    Ok(())
}

fn put(
    db: &Connection,
    sealer: &Sealer,
    table: &str,
    row: &str,
    text: Option<&str>,
) -> rusqlite::Result<()> {
    let code = text.and_then(|text| code_for(sealer, table, row, text));
    match code {
        Some(code) => db
            .prepare_cached("INSERT OR REPLACE INTO seals (kind, row, code) VALUES (?, ?, ?)")?
            .execute(params![table, row, code]),
        None => db
            .prepare_cached("DELETE FROM seals WHERE kind = ? AND row = ?")?
            .execute([table, row]),
    }
    .map(drop)
}

fn message(table: &str, row: &str, text: &str) -> Vec<u8> {
    // No two rows give the same bytes: the first two parts have no line breaks.
    format!("{table}\n{row}\n{text}").into_bytes()
}
