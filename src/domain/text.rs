//! Texts from outside, made safe to draw and short enough to list.
//!
//! A person approves what the screen shows, so nothing that moves the cursor, hides, reorders or
//! imitates may reach it. Everything that prints a foreign string goes through here.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character must not be drawn as it is: control characters (C0, DEL, C1), bidirectional
/// controls, zero-width and other invisible characters, tags and variation selectors, and the
/// separators that terminals treat as line ends.
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Makes a text safe to draw, keeping its line breaks and tabs. Each deceptive character becomes
/// its visible code point, as `\u{202e}`. Borrowed when nothing had to change.
#[must_use]
pub fn sanitize(text: &str) -> Cow<'_, str> {
    escape(text, |c| is_deceptive(c) && c != '\n' && c != '\t')
}

/// Makes a text safe to draw on one line: line breaks and tabs are shown too, as `\n` and `\t`.
#[must_use]
pub fn sanitize_line(text: &str) -> Cow<'_, str> {
    escape(text, is_deceptive)
}

fn escape(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    let Some(first) = text.find(&hidden) else {
        return Cow::Borrowed(text);
    };
    let mut safe = String::with_capacity(text.len() + 16);
    safe.push_str(&text[..first]);
    for c in text[first..].chars() {
        if !hidden(c) {
            safe.push(c);
            continue;
        }
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            // Writing to a String cannot fail.
            _ => drop(write!(safe, "\\u{{{:x}}}", u32::from(c))),
        }
    }
    Cow::Owned(safe)
}

/// The candidate that a mistyped word was probably meant to be; none when none is near.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = word.chars().count().max(3) * 2 / 5;
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(far, _)| *far <= most)
        .min_by_key(|(far, _)| *far)
        .map(|(_, candidate)| candidate)
}

/// How many characters must be put in, taken out or replaced to make one of the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, c) in from.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(&to) {
            let replaced = diagonal + usize::from(c != *other);
            diagonal = *cell;
            left = replaced.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// A query in one line of at most `max` characters: white space folded, cut with an ellipsis.
#[must_use]
pub fn summary(query: &str, max: usize) -> String {
    let mut line = String::new();
    for word in query.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.chars().count() > max {
            break;
        }
    }
    if line.chars().count() <= max {
        return line;
    }
    let mut cut: String = line.chars().take(max.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Where a text has a needle, whatever their case; the needle must be in lower case already.
#[must_use]
pub fn find_ignoring_case(text: &str, needle: &str) -> Option<std::ops::Range<usize>> {
    if needle.is_ascii() {
        let needle = needle.as_bytes();
        let first = *needle.first()?;
        let other = first.to_ascii_uppercase();
        let hay = text.as_bytes();
        let mut from = 0;
        loop {
            let rest = hay.get(from..)?;
            let start = from + rest.iter().position(|b| *b == first || *b == other)?;
            let end = start + needle.len();
            if hay.get(start..end)?.eq_ignore_ascii_case(needle) {
                return Some(start..end);
            }
            from = start + 1;
        }
    }
    text.char_indices().find_map(|(start, _)| {
        let mut wanted = needle.chars();
        let mut next = wanted.next();
        for (at, c) in text[start..].char_indices() {
            for lower in c.to_lowercase() {
                if next != Some(lower) {
                    return None;
                }
                next = wanted.next();
            }
            if next.is_none() {
                return Some(start..start + at + c.len_utf8());
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mistyped_word_has_the_nearest_one() {
        let words = ["approve", "approve-many", "deny", "bell", "keys"];
        let cases = [
            ("aprove", Some("approve")),
            ("approvemany", Some("approve-many")),
            ("key", Some("keys")),
            ("bel", Some("bell")),
            ("colour", None),
            ("", None),
        ];
        for (word, meant) in cases {
            assert_eq!(nearest(word, words), meant, "{word}");
        }
    }

    #[test]
    fn deceptive_characters_become_visible() {
        let cases = [
            ("plain ünïcödé 漢字 🦀", "plain ünïcödé 漢字 🦀"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("rm \u{202e}fdp.exe", "rm \\u{202e}fdp.exe"),
            ("zero\u{200b}width", "zero\\u{200b}width"),
            ("c1 \u{9b}31m", "c1 \\u{9b}31m"),
            ("line\r\nnext\ttab", "line\\r\nnext\ttab"),
        ];
        for (given, shown) in cases {
            assert_eq!(sanitize(given), shown);
        }
        assert_eq!(sanitize_line("a\nb\tc"), "a\\nb\\tc");
    }

    #[test]
    fn needles_are_found_whatever_their_case() {
        for (text, needle, found) in [
            ("Fix the Bug", "bug", Some(8..11)),
            ("bbBUG", "bug", Some(2..5)),
            ("ÄPFEL und ÄÖ", "äö", Some(11..15)),
            ("bu", "bug", None),
            ("anything", "", None),
        ] {
            assert_eq!(
                find_ignoring_case(text, needle),
                found,
                "{needle:?} in {text:?}"
            );
        }
    }

    #[test]
    fn summaries_fold_and_cut() {
        assert_eq!(summary("  fix\n the   bug ", 50), "fix the bug");
        assert_eq!(summary("abcdef", 4), "abc…");
        assert_eq!(summary("", 4), "");
    }

    proptest! {
        #[test]
        fn nothing_deceptive_survives(text in "\\PC*|(.|\\n){0,64}") {
            prop_assert!(!sanitize_line(&text).chars().any(is_deceptive));
            let safe = sanitize(&text);
            prop_assert!(!safe.chars().any(|c| is_deceptive(c) && c != '\n' && c != '\t'));
            prop_assert_eq!(sanitize(&safe), safe.as_ref());
        }

        #[test]
        fn summaries_stay_within_their_bound(text in ".{0,200}", max in 1usize..80) {
            prop_assert!(summary(&text, max).chars().count() <= max);
        }
    }
}
