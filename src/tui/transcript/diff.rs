//! What an edit changes.

use similar::{ChangeTag, TextDiff};

/// Bytes of both sides beyond which changes are counted by lines alone.
const MOST_BYTES: usize = 256 * 1024;

/// How many lines an edit adds and removes.
#[must_use]
pub fn count(old: &str, new: &str) -> (usize, usize) {
    if old.is_empty() || new.is_empty() || old.len() + new.len() > MOST_BYTES {
        return (new.lines().count(), old.lines().count());
    }
    let diff = TextDiff::from_lines(old, new);
    diff.iter_all_changes()
        .fold((0, 0), |(added, removed), change| match change.tag() {
            ChangeTag::Insert => (added + 1, removed),
            ChangeTag::Delete => (added, removed + 1),
            ChangeTag::Equal => (added, removed),
        })
}
