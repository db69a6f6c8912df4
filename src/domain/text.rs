//! Texts from outside, made safe to draw and short enough to list.
//!
//! A person approves what the screen shows, so nothing that moves the cursor, hides, reorders or
//! imitates may reach it. Everything that prints a foreign string goes through here, at one of two
//! levels. *Strict* is for what is carried out or compared: commands, paths, diffs, inputs of tools.
//! There every deceptive character is shown as its code point. *Prose* is for what is only read: titles,
//! messages, questions. There an emoji may be joined and a Persian or Hindi word may have its joiners,
//! exactly where they belong, and each language has its own blanks; everything else is as strict.

use std::borrow::Cow;

use serde_json::Value;

pub use super::lookalike::{Level, is_deceptive};

use super::lookalike;

/// Bytes in which a deceptive character is looked for at first.
const WINDOW: usize = 256;

/// Makes a text safe to draw, keeping its line breaks and tabs. Each deceptive character becomes
/// its visible code point, as `\u{202e}`. Borrowed when nothing had to change.
#[must_use]
pub fn sanitize(text: &str) -> Cow<'_, str> {
    escape(text, Level::Strict, true)
}

/// Makes a text safe to draw on one line: line breaks and tabs are shown too, as `\n` and `\t`.
#[must_use]
pub fn sanitize_line(text: &str) -> Cow<'_, str> {
    escape(text, Level::Strict, false)
}

/// [`sanitize`] for what is only read.
#[must_use]
pub fn sanitize_prose(text: &str) -> Cow<'_, str> {
    escape(text, Level::Prose, true)
}

/// [`sanitize_line`] for what is only read.
#[must_use]
pub fn sanitize_prose_line(text: &str) -> Cow<'_, str> {
    escape(text, Level::Prose, false)
}

/// Where a text has the first character, from a place on, that must not be drawn as it is: one that hides
/// or reorders others, or that looks like another one ([`lookalike`]).
#[must_use]
pub fn find_deceptive(text: &str, from: usize, level: Level) -> Option<usize> {
    // A text may be full of the one kind and have nothing of the other: neither is looked for much
    // farther than the first that is found.
    let (mut begin, mut window) = (from, WINDOW);
    loop {
        let end = text.ceil_char_boundary(begin.saturating_add(window).min(text.len()));
        let hidden = hidden_between(text, begin, end, level);
        let found = lookalike::find(text, begin, hidden.unwrap_or(end), level).or(hidden);
        if found.is_some() || end >= text.len() {
            return found;
        }
        begin = end;
        window = window.saturating_mul(2);
    }
}

/// Where a text has the first character, from a place on, that hides or reorders others.
#[must_use]
pub fn find_hidden(text: &str, from: usize, level: Level) -> Option<usize> {
    hidden_between(text, from, text.len(), level)
}

/// The same before another place.
fn hidden_between(text: &str, from: usize, until: usize, level: Level) -> Option<usize> {
    let mut from = from;
    loop {
        let at = from + text.get(from..until)?.find(is_deceptive)?;
        if level == Level::Strict || !belongs(text, at) {
            return Some(at);
        }
        from = at + text[at..].chars().next().map_or(1, char::len_utf8);
    }
}

/// Whether the deceptive character at a place is part of what is written there: a variation selector
/// of an emoji or a keycap, a joiner between emoji or between letters of a script that is written
/// with joiners. What it does then is seen, and it hides and reorders nothing.
fn belongs(text: &str, at: usize) -> bool {
    let mut behind = text[at..].chars();
    let c = behind.next();
    let after = behind.next();
    let mut ahead = text[..at].chars().rev();
    let before = ahead.next();
    match (c, before) {
        (Some('\u{fe0e}' | '\u{fe0f}'), Some(before)) => {
            is_emoji(before) || (is_keycap_base(before) && after == Some('\u{20e3}'))
        }
        (Some('\u{200d}'), Some(before)) => {
            // Behind an emoji's own variation selector or skin colour, too.
            let emoji = match before {
                '\u{fe0f}' => ahead.next().is_some_and(is_emoji),
                before => is_emoji(before),
            };
            (emoji && after.is_some_and(is_emoji)) || joins(before, after)
        }
        (Some('\u{200c}'), Some(before)) => joins(before, after),
        _ => false,
    }
}

/// Whether both sides of a joiner are letters or marks of one script that is written with joiners.
fn joins(before: char, after: Option<char>) -> bool {
    let script = |c: char| match c {
        // Arabic, with Persian, Urdu and others.
        '\u{620}'..='\u{65f}'
        | '\u{66e}'..='\u{6d3}'
        | '\u{6d5}'..='\u{6dc}'
        | '\u{6fa}'..='\u{6ff}'
        | '\u{750}'..='\u{77f}'
        | '\u{8a0}'..='\u{8ff}' => Some(0),
        // Syriac, N'Ko, Mongolian.
        '\u{710}'..='\u{74f}' => Some(1),
        '\u{7ca}'..='\u{7f5}' => Some(2),
        '\u{1820}'..='\u{18aa}' => Some(3),
        // Devanagari to Sinhala, each of 128 code points.
        '\u{900}'..='\u{dff}' => Some(0x100 + (u32::from(c) >> 7)),
        // Myanmar, Khmer, Tibetan.
        '\u{1000}'..='\u{109f}' => Some(4),
        '\u{1780}'..='\u{17b3}' | '\u{17b6}'..='\u{17dd}' => Some(5),
        '\u{f40}'..='\u{fbc}' => Some(6),
        _ => None,
    };
    script(before).is_some() && script(before) == after.and_then(script)
}

fn is_keycap_base(c: char) -> bool {
    matches!(c, '0'..='9' | '#' | '*')
}

/// Whether a character is an emoji, or becomes one by a variation selector, or is the colour of one.
fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2194}'..='\u{2199}' | '\u{21a9}'..='\u{21aa}' | '\u{231a}'..='\u{231b}' | '\u{2328}'
        | '\u{23cf}' | '\u{23e9}'..='\u{23f3}' | '\u{23f8}'..='\u{23fa}' | '\u{24c2}'
        | '\u{25aa}'..='\u{25ab}' | '\u{25b6}' | '\u{25c0}' | '\u{25fb}'..='\u{25fe}'
        | '\u{2600}'..='\u{27bf}' | '\u{2934}'..='\u{2935}' | '\u{2b05}'..='\u{2b07}'
        | '\u{2b1b}'..='\u{2b1c}' | '\u{2b50}' | '\u{2b55}' | '\u{3030}' | '\u{303d}' | '\u{3297}'
        | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

/// A character that must not be drawn as it is, as its visible code point.
#[must_use]
pub fn visible(c: char) -> String {
    match c {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        c => format!("\\u{{{:x}}}", u32::from(c)),
    }
}

fn escape(text: &str, level: Level, lines: bool) -> Cow<'_, str> {
    let hidden = |from: usize| {
        let mut from = from;
        loop {
            let at = find_deceptive(text, from, level)?;
            if !(lines && text[at..].starts_with(['\n', '\t'])) {
                return Some(at);
            }
            from = at + 1;
        }
    };
    let Some(mut at) = hidden(0) else {
        return Cow::Borrowed(text);
    };
    let mut safe = String::with_capacity(text.len() + 16);
    let mut done = 0;
    loop {
        safe.push_str(&text[done..at]);
        let Some(c) = text[at..].chars().next() else {
            break;
        };
        safe.push_str(&visible(c));
        done = at + c.len_utf8();
        match hidden(done) {
            Some(next) => at = next,
            None => break,
        }
    }
    safe.push_str(&text[done..]);
    Cow::Owned(safe)
}

/// The type of a JSON value in words.
#[must_use]
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
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
    fn prose_keeps_what_belongs_to_emoji_and_words() {
        for text in [
            "⚠\u{fe0f} careful",
            "©\u{fe0f} and ☎\u{fe0e}",
            "1\u{fe0f}\u{20e3} first",
            "👩\u{200d}💻 at work",
            "👩🏽\u{200d}🚀",
            "🏳\u{fe0f}\u{200d}🌈",
            "👨\u{200d}👩\u{200d}👧\u{200d}👦",
            "می\u{200c}خواهم",
            "क्\u{200d}ष and क्\u{200c}ष",
            "ශ්\u{200d}රී",
        ] {
            assert_eq!(sanitize_prose(text), text);
            assert!(
                matches!(sanitize_prose_line(text), Cow::Borrowed(_)),
                "{text:?}"
            );
            assert_ne!(sanitize(text), text, "strict shows each of them");
        }
    }

    #[test]
    fn prose_is_strict_about_everything_that_hides_reorders_or_imitates() {
        let attacks = [
            // Bidirectional controls, in words that have joiners of their own.
            ("user\u{202e}txt.exe", "user\\u{202e}txt.exe"),
            ("\u{2066}a\u{2069}", "\\u{2066}a\\u{2069}"),
            ("م\u{200f}ن", "م\\u{200f}ن"),
            ("\u{61c}ا", "\\u{61c}ا"),
            // Joiners and spaces of no width within words of other scripts.
            ("pay\u{200d}pal", "pay\\u{200d}pal"),
            ("pay\u{200c}pal", "pay\\u{200c}pal"),
            (
                "a\u{200b}b\u{2060}c\u{feff}",
                "a\\u{200b}b\\u{2060}c\\u{feff}",
            ),
            ("soft\u{ad}hyphen", "soft\\u{ad}hyphen"),
            // Joiners at an edge, doubled, or between different scripts.
            ("\u{200d}👩", "\\u{200d}👩"),
            ("👩\u{200d}", "👩\\u{200d}"),
            ("👩\u{200d}\u{200d}💻", "👩\\u{200d}\\u{200d}💻"),
            ("👩\u{200d}x", "👩\\u{200d}x"),
            ("می\u{200c}क", "می\\u{200c}क"),
            ("می\u{200c} x", "می\\u{200c} x"),
            // Variation selectors without an emoji, doubled, or of the other kinds.
            ("a\u{fe0f}", "a\\u{fe0f}"),
            ("1\u{fe0f}", "1\\u{fe0f}"),
            ("⚠\u{fe0f}\u{fe0f}", "⚠\u{fe0f}\\u{fe0f}"),
            ("⚠\u{fe00}", "⚠\\u{fe00}"),
            ("⚠\u{e0100}", "⚠\\u{e0100}"),
            // Tags can spell out a hidden text behind a flag.
            (
                "🏴\u{e0067}\u{e0062}\u{e007f}",
                "🏴\\u{e0067}\\u{e0062}\\u{e007f}",
            ),
            // Control sequences.
            ("a\u{1b}]8;;http://x\u{7}b", "a\\u{1b}]8;;http://x\\u{7}b"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\u{8}b\rc", "a\\u{8}b\\rc"),
        ];
        for (given, shown) in attacks {
            assert_eq!(sanitize_prose(given), shown);
        }
        assert_eq!(sanitize_prose_line("⚠\u{fe0f}\nb\tc"), "⚠\u{fe0f}\\nb\\tc");
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
        /// However far it is from one to the next, and wherever a window ends.
        #[test]
        fn the_first_deceptive_character_is_found_wherever_it_stands(
            ahead in 0usize..900,
            begin in "[aж ]{0,3}",
            what in "[\u{202e}\u{200b}]|p\u{430}y|x\u{a0}y|😀\u{200d}x",
            rest in "[aж\u{200b}\u{430} ]{0,8}",
            prose in any::<bool>(),
        ) {
            let level = if prose { Level::Prose } else { Level::Strict };
            let text = format!("{begin}{}{what}{rest}", "é ".repeat(ahead));
            let hidden = find_hidden(&text, 0, level);
            let first = lookalike::find(&text, 0, text.len(), level).into_iter().chain(hidden).min();
            prop_assert_eq!(find_deceptive(&text, 0, level), first);
        }

        #[test]
        fn nothing_deceptive_survives(text in "\\PC*|(.|\\n){0,64}") {
            prop_assert!(!sanitize_line(&text).chars().any(is_deceptive));
            let safe = sanitize(&text);
            prop_assert!(!safe.chars().any(|c| is_deceptive(c) && c != '\n' && c != '\t'));
            // A character that is shown by its number pushes others further from the wide ones that explained them.
            let twice = sanitize(&safe);
            prop_assert_eq!(sanitize(&twice), twice.as_ref());
        }

        #[test]
        fn prose_keeps_nothing_that_does_not_belong(
            text in "[ab1#⚠❤👩💻🏽می\u{915}\u{94d}\u{200c}\u{200d}\u{fe0e}\u{fe0f}\u{20e3}\u{202e}\u{200b}\n]{0,24}"
        ) {
            let safe = sanitize_prose(&text);
            for (at, c) in safe.char_indices() {
                prop_assert!(!is_deceptive(c) || c == '\n' || belongs(&safe, at), "{safe:?}");
            }
            prop_assert_eq!(sanitize_prose(&safe), safe.as_ref());
        }

        #[test]
        fn summaries_stay_within_their_bound(text in ".{0,200}", max in 1usize..80) {
            prop_assert!(summary(&text, max).chars().count() <= max);
        }
    }
}
