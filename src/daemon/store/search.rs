//! Looking for words in all conversations.
//!
//! A scan from the newest piece backwards, on a reading connection, bounded by time: it keeps no index
//! that the ingest would have to feed. Whoever stops waiting ends it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, Row, types::ValueRef};

use super::{Doing as _, Store, StoreError, rows, session_reads};
use crate::domain::text::{find_ignoring_case, summary};
use crate::domain::{EventType, SessionId};

/// How long a search may take; what is older than it came to is left out.
const PATIENCE: Duration = Duration::from_secs(1);
/// Places of one session unless more are asked for, so that one that is full of the words does not hide
/// the others.
pub const PER_SESSION: usize = 3;
/// Bytes of an excerpt before the words, and in all.
const EXCERPT: (usize, usize) = (60, 240);
/// Characters of an excerpt.
const EXCERPT_CHARS: usize = 160;

/// A place where the words are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Whose conversation.
    pub session_id: SessionId,
    /// Which piece of it.
    pub sequence: i64,
    /// What kind of piece.
    pub event_type: EventType,
    /// When it was said.
    pub created_at: Timestamp,
    /// The words and what is around them, on one line.
    pub excerpt: String,
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// The words, whatever their case.
    pub words: String,
    /// Only in this session: its id, its run id or a prefix of one.
    pub session: Option<String>,
    /// Most places in all.
    pub limit: usize,
    /// Most places of one session.
    pub per_session: usize,
}

/// What a search came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// The places, the newest first.
    pub hits: Vec<Hit>,
    /// How many more places were found in a session than were wanted of one.
    pub left_out: BTreeMap<SessionId, usize>,
    /// Whether everything was looked through.
    pub complete: bool,
}

/// Ends the scan when nobody waits for it any more.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Store {
    /// The newest places where the words are.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a session that is not there; when the database cannot be read.
    pub async fn search_conversations(&self, search: Search) -> Result<Hits, StoreError> {
        let needle = search.words.trim().to_lowercase();
        if needle.is_empty() {
            return Ok(Hits {
                complete: true,
                ..Hits::default()
            });
        }
        let stop = Stop(Arc::default());
        let stopped = Arc::clone(&stop.0);
        let found = self
            .readers
            .run(move |db| scan(db, &needle, &search, PATIENCE, &stopped))
            .await;
        drop(stop);
        found
    }
}

fn scan(
    db: &Connection,
    needle: &str,
    search: &Search,
    patience: Duration,
    stopped: &AtomicBool,
) -> Result<Hits, StoreError> {
    let began = Instant::now();
    let mut found = Hits {
        complete: true,
        ..Hits::default()
    };
    let only = match &search.session {
        Some(id) => Some(session_reads::resolve(db, id)?.key),
        None => None,
    };
    let mut per_session: HashMap<i64, usize> = HashMap::new();
    let mut walk = || -> rusqlite::Result<()> {
        let which = match only {
            Some(_) => "WHERE c.session_key = ?1 ORDER BY c.sequence DESC",
            None => "WHERE ?1 IS NULL ORDER BY c.seq DESC",
        };
        let mut query = db.prepare_cached(&format!(
            "SELECT c.session_key, c.sequence, c.event_type, c.created_at, c.content, c.tool_input,
                c.tool_result_content
             FROM conversation c {which}"
        ))?;
        let mut rows = query.query([only])?;
        while let Some(row) = rows.next()? {
            if began.elapsed() > patience || stopped.load(Ordering::Relaxed) {
                found.complete = false;
                break;
            }
            let Some(excerpt) = excerpt_of(row, needle)? else {
                continue;
            };
            let key: i64 = row.get(0)?;
            let of_session = per_session.entry(key).or_default();
            *of_session += 1;
            if *of_session > search.per_session {
                continue;
            }
            if found.hits.len() >= search.limit {
                found.complete = false;
                break;
            }
            found.hits.push(Hit {
                session_id: session_id(db, key)?,
                sequence: row.get(1)?,
                event_type: rows::named(row, 2, EventType::parse)?,
                created_at: rows::time(row, 3)?,
                excerpt,
            });
        }
        Ok(())
    };
    walk().doing("search the conversations")?;
    for (key, count) in per_session {
        if count > search.per_session {
            let id = session_id(db, key).doing("name a session that was searched")?;
            found.left_out.insert(id, count - search.per_session);
        }
    }
    Ok(found)
}

fn session_id(db: &Connection, key: i64) -> rusqlite::Result<SessionId> {
    db.prepare_cached("SELECT id FROM sessions WHERE key = ?")?
        .query_row([key], |row| row.get::<_, String>(0))
        .map(SessionId::from)
}

/// The words of a piece with what is around them; none where it does not have them.
fn excerpt_of(row: &Row<'_>, needle: &str) -> rusqlite::Result<Option<String>> {
    for column in 4..=6 {
        // Looked at where it lies: most pieces have no match, and some are large.
        if let ValueRef::Text(text) = row.get_ref(column)?
            && let Ok(text) = std::str::from_utf8(text)
            && let Some(at) = find_ignoring_case(text, needle)
        {
            return Ok(Some(excerpt(text, &at)));
        }
    }
    Ok(None)
}

fn excerpt(text: &str, at: &Range<usize>) -> String {
    let begin = text.floor_char_boundary(at.start.saturating_sub(EXCERPT.0));
    let end = text.ceil_char_boundary((begin + EXCERPT.1).max(at.end).min(text.len()));
    let words = summary(&text[begin..end], EXCERPT_CHARS);
    let (before, after) = (
        if begin > 0 { "…" } else { "" },
        if end < text.len() && !words.ends_with('…') {
            "…"
        } else {
            ""
        },
    );
    format!("{before}{words}{after}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn an_excerpt_shows_the_words_with_what_is_around_them() {
        let text = format!(
            "{}the needle\n  lies here{}",
            "ä".repeat(100),
            "ö".repeat(300)
        );
        let at = find_ignoring_case(&text, "needle").unwrap();
        let excerpt = excerpt(&text, &at);
        assert!(excerpt.starts_with("…ä"), "{excerpt}");
        assert!(excerpt.contains("the needle lies hereö"), "{excerpt}");
        assert!(excerpt.ends_with('…') && excerpt.chars().count() <= EXCERPT_CHARS + 2);
    }

    #[test]
    fn a_whole_short_text_is_its_own_excerpt() {
        assert_eq!(excerpt("find me", &(5..7)), "find me");
    }
}
