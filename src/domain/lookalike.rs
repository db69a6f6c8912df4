//! Characters that look like others: letters of one alphabet among those of another, blanks that are no
//! spaces, signs that look like the slash or the dot of an address, and addresses that begin with another
//! host's name.
//!
//! What is foreign is not suspect: a word in one alphabet is a word, and French, Russian, Greek, Arabic or
//! Japanese texts have their own letters and blanks. Only what imitates is found. Pure, and linear: each
//! word is looked at once.

use unicode_width::UnicodeWidthChar as _;

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
        | '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{fffc}' | '\u{fffe}'..='\u{ffff}' | '\u{1107f}' | '\u{110bd}'
        | '\u{110cd}' | '\u{13430}'..='\u{1345f}' | '\u{16fe4}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// How strict a text is made safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For what is carried out or compared: nothing invisible at all.
    Strict,
    /// For what is only read: joiners and emoji variations where they belong.
    Prose,
}

/// Most marks on one letter: more than any language has.
const MAX_MARKS: usize = 6;

/// Characters of a word, or of a line, that are looked at around a place.
const AROUND: usize = 64;
const LINE: usize = 256;

/// Where a text has the first character between two places that looks like another one.
#[must_use]
pub fn find(text: &str, from: usize, until: usize, level: Level) -> Option<usize> {
    found(text, from, until, level).map(|(at, _)| at)
}

/// The first letter, sign or address in a text that imitates another one.
#[must_use]
pub fn imitation(text: &str) -> Option<char> {
    let mut from = 0;
    loop {
        let (at, kind) = found(text, from, text.len(), Level::Strict)?;
        let c = text[at..].chars().next()?;
        match kind {
            Kind::At | Kind::Sign | Kind::Letter | Kind::Odd | Kind::Mark => return Some(c),
            Kind::Blank | Kind::Styled | Kind::Stack => from = at + c.len_utf8(),
        }
    }
}

fn found(text: &str, from: usize, until: usize, level: Level) -> Option<(usize, Kind)> {
    let bytes = text.as_bytes();
    let mut at = from;
    // Where the word ends that was looked at last and found to be one.
    let mut plain_until = 0;
    loop {
        at += bytes
            .get(at..until)?
            .iter()
            .position(|byte| *byte >= 0x80 || *byte == b'@')?;
        let c = text.get(at..)?.chars().next()?;
        let end = at + c.len_utf8();
        let kind = kind(c);
        let found = match kind {
            None => false,
            Some(Kind::At) => has_misleading_user(&text[..at]),
            Some(Kind::Blank) => !is_usual_blank(text, at, c, level),
            Some(Kind::Sign) => is_among_letters(text, at, end),
            Some(Kind::Styled) => level == Level::Strict && !is_near_wide(text, at, end),
            Some(Kind::Odd) => level == Level::Strict && is_in_latin_word(text, at, end),
            Some(Kind::Stack) => is_in_a_stack(text, at),
            Some(Kind::Mark) => level == Level::Strict && is_like_a_mark(text, at, c),
            Some(Kind::Letter) if at < plain_until => false,
            Some(Kind::Letter) => {
                let (begin, behind) = word(text, at);
                let imitates = imitates(&text[begin..behind], line(text, begin, behind), level);
                if !imitates {
                    plain_until = behind;
                }
                imitates
            }
        };
        match kind {
            Some(kind) if found => return Some((at, kind)),
            Some(_) | None => at = end,
        }
    }
}

/// What a character that may look like another one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The end of the user's name in an address.
    At,
    /// A blank.
    Blank,
    /// A sign like those of addresses.
    Sign,
    /// A letter or digit in another style.
    Styled,
    /// A letter of another alphabet.
    Letter,
    /// A letter of a script that nobody writes within a Latin word.
    Odd,
    /// A sign like those that a shell obeys.
    Mark,
    /// A mark on a letter.
    Stack,
}

fn kind(c: char) -> Option<Kind> {
    Some(match c {
        '@' => Kind::At,
        '\u{a0}'
        | '\u{1680}'
        | '\u{2000}'..='\u{200a}'
        | '\u{202f}'
        | '\u{205f}'
        | '\u{2800}'
        | '\u{3000}' => Kind::Blank,
        '\u{b7}' | '\u{660}' | '\u{2024}' | '\u{2044}' | '\u{2215}' | '\u{2236}' | '\u{2571}'
        | '\u{29f8}' | '\u{2cc6}' | '\u{3002}' | '\u{3033}' | '\u{30ce}' | '\u{a4f8}'
        | '\u{a789}' | '\u{fe52}' | '\u{fe55}' | '\u{fe68}' | '\u{ff0e}' | '\u{ff0f}'
        | '\u{ff1a}' | '\u{ff20}' | '\u{ff61}' => Kind::Sign,
        '\u{2bc}'
        | '\u{2010}'..='\u{2015}'
        | '\u{2018}'..='\u{201f}'
        | '\u{2032}'..='\u{2035}'
        | '\u{2212}'
        | '\u{fe54}'
        | '\u{fe5f}'..='\u{fe63}'
        | '\u{fe69}'
        | '\u{ff02}'..='\u{ff04}'
        | '\u{ff06}'
        | '\u{ff07}'
        | '\u{ff0d}'
        | '\u{ff1b}'
        | '\u{ff5c}'
        | '\u{ffe8}'
        | '\u{37e}' => Kind::Mark,
        '\u{2160}'..='\u{217f}'
        | '\u{ff10}'..='\u{ff19}'
        | '\u{ff21}'..='\u{ff3a}'
        | '\u{ff41}'..='\u{ff5a}'
        | '\u{1d400}'..='\u{1d7ff}' => Kind::Styled,
        c if is_like_latin(c) => Kind::Letter,
        c if is_odd(c) => Kind::Odd,
        // Each font draws what it likes there; a stroke through all letters makes them look deleted.
        '\u{334}'..='\u{338}'
        | '\u{20d0}'..='\u{20f0}'
        | '\u{e000}'..='\u{f8ff}'
        | '\u{f0000}'..='\u{10fffd}' => Kind::Styled,
        c if is_a_mark(c) => Kind::Stack,
        _ => return None,
    })
}

/// Letters of other alphabets that look like Latin ones.
fn is_like_latin(c: char) -> bool {
    matches!(c,
        // Cyrillic.
        'а' | 'с' | 'е' | 'о' | 'р' | 'х' | 'у' | 'ѕ' | 'і' | 'ј' | 'һ' | 'ԁ' | 'ԛ' | 'ԝ' | 'ѵ' | 'ӏ'
        | 'А' | 'В' | 'Е' | 'К' | 'М' | 'Н' | 'О' | 'Р' | 'С' | 'Т' | 'Х' | 'У' | 'Ѕ' | 'І' | 'Ј' | 'Ԛ' | 'Ԝ' | 'Ү' | 'Ӏ'
        // Greek.
        | 'Α' | 'Β' | 'Ε' | 'Ζ' | 'Η' | 'Ι' | 'Κ' | 'Μ' | 'Ν' | 'Ο' | 'Ρ' | 'Τ' | 'Υ' | 'Χ'
        | 'ο' | 'ν' | 'ρ' | 'ι' | 'υ' | 'α' | 'γ' | 'ϲ' | 'ϳ'
        // Armenian, Cherokee, Lisu.
        | 'օ' | 'ս' | 'հ' | 'ց' | 'զ' | 'ո' | 'ք' | '\u{13a0}'..='\u{13f5}' | '\u{a4d0}'..='\u{a4f7}')
}

/// Letters that stand in no Latin word of any language, but may look as if they did: all but the Latin ones (with those of
/// Vietnamese and African languages), East Asian writing, and what is judged as a letter of another alphabet.
/// The dotless i is one of Turkish, in whose words it stands beside other letters that are no ASCII.
fn is_odd(c: char) -> bool {
    let is_latin = matches!(c, '\u{aa}' | '\u{b5}' | '\u{ba}' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{2c60}'..='\u{2c7f}');
    let is_like_letters = matches!(c, '\u{1c0}'..='\u{1c3}' | '\u{2100}'..='\u{214f}' | '\u{2460}'..='\u{24ff}' | '\u{1f110}'..='\u{1f189}');
    let is_usual = is_latin || is_foreign(c) && !matches!(c, '\u{261}') || is_wide(c);
    is_like_letters || c == '\u{131}' || c.is_alphabetic() && !c.is_ascii() && !is_usual
}

/// Whether a letter stands in a word with letters of ASCII. The dotless i does so in Turkish, in whose lines other letters
/// tell that.
fn is_in_latin_word(text: &str, at: usize, end: usize) -> bool {
    let (begin, behind) = word(text, at);
    let has_ascii = text[begin..behind].chars().any(|c| c.is_ascii_alphabetic());
    let is_turkish = text[at..end].starts_with('\u{131}')
        && line(text, begin, behind).contains(|c| "ğĞşŞİçÇöÖüÜ".contains(c));
    has_ascii && !is_turkish
}

/// Whether so many marks stand on one letter that a terminal draws them over the lines around.
fn is_in_a_stack(text: &str, at: usize) -> bool {
    let before = text[..at].chars().rev().take(MAX_MARKS);
    before.filter(|c| is_a_mark(*c)).count() == MAX_MARKS
}

/// Whether a character is drawn on the one before.
fn is_a_mark(c: char) -> bool {
    !c.is_ascii() && c.width() == Some(0) && !is_deceptive(c)
}

/// Whether a sign stands where a shell would obey the one that it looks like: at the beginning of a word, before a letter; a
/// quotation mark only before what a shell would carry out.
fn is_like_a_mark(text: &str, at: usize, c: char) -> bool {
    let before = text[..at].chars().next_back();
    let behind = text[at + c.len_utf8()..].chars();
    let begins = before.is_none_or(|c| c.is_whitespace() || c == '=');
    let next = behind.clone().next();
    // A number with its sign is usual.
    let is_word = next.is_some_and(|next| next.is_ascii_alphabetic() || next == '-' || next == c);
    match c {
        '\u{2bc}' | '\u{2018}'..='\u{201f}' | '\u{2032}'..='\u{2035}' | '\u{ff02}' | '\u{ff07}' => {
            let quoted = behind
                .take(LINE)
                .take_while(|c| *c != '\n' && kind(*c) != Some(Kind::Mark));
            begins && quoted.into_iter().any(|c| ";|&$`<>".contains(c))
        }
        '\u{fe5f}' | '\u{ff03}' => begins,
        '\u{37e}' | '\u{fe54}' | '\u{fe60}' | '\u{ff06}' | '\u{ff1b}' | '\u{ff5c}' | '\u{ffe8}' => {
            before.is_some_and(|c| c.is_ascii_graphic() || c == ' ')
                && !is_near_wide(text, at, at + c.len_utf8())
        }
        _ => begins && is_word && !is_near_wide(text, at, at + c.len_utf8()),
    }
}

/// Greek letters that stand beside Latin ones in formulas.
fn is_in_formulas(c: char) -> bool {
    matches!(c, 'ν' | 'ρ' | 'ι' | 'υ' | 'α' | 'γ')
}

fn is_foreign(c: char) -> bool {
    matches!(c, '\u{261}' | '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}' | '\u{530}'..='\u{58f}'
        | '\u{13a0}'..='\u{13ff}' | '\u{1f00}'..='\u{1fff}' | '\u{2de0}'..='\u{2dff}'
        | '\u{a4d0}'..='\u{a4ff}' | '\u{a640}'..='\u{a69f}' | '\u{ab70}'..='\u{abbf}')
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}' if c.is_alphabetic())
}

/// Whether a word has letters of another alphabet that only imitate Latin ones: among those, or, where what
/// is said is carried out, alone in a line in which nobody writes that alphabet.
fn imitates(word: &str, line: &str, level: Level) -> bool {
    let mut foreign = word.chars().filter(|c| is_foreign(*c)).peekable();
    if foreign.peek().is_none() || !foreign.all(is_like_latin) {
        return false;
    }
    if word.chars().any(is_latin) {
        let is_formula = |c: char| !is_foreign(c) || is_in_formulas(c);
        return level == Level::Strict || !word.chars().all(is_formula);
    }
    let is_written = |c: char| is_foreign(c) && !is_like_latin(c);
    level == Level::Strict && !line.chars().any(is_written)
}

/// The word around a place, of at most [`AROUND`] characters to each side.
fn word(text: &str, at: usize) -> (usize, usize) {
    let is_part = |c: &char| c.is_alphanumeric() || *c == '_';
    let before: usize = text[..at]
        .chars()
        .rev()
        .take(AROUND)
        .take_while(is_part)
        .map(char::len_utf8)
        .sum();
    let behind: usize = text[at..]
        .chars()
        .take(AROUND)
        .take_while(is_part)
        .map(char::len_utf8)
        .sum();
    (at - before, at + behind)
}

/// The line around a word, of at most [`LINE`] bytes to each side.
fn line(text: &str, begin: usize, end: usize) -> &str {
    let first = text.ceil_char_boundary(begin.saturating_sub(LINE));
    let last = text.floor_char_boundary(end.saturating_add(LINE).min(text.len()));
    let from = text[first..begin]
        .rfind('\n')
        .map_or(first, |at| first + at);
    let to = text[end..last].find('\n').map_or(last, |at| end + at);
    &text[from..to]
}

/// Whether before an `@` there is an address whose user is called like a host, `https://github.com@…`, or
/// not by plain letters. What hides among them, or stands for another sign, does not end the name: the
/// last `@` is the one that counts.
fn has_misleading_user(before: &str) -> bool {
    let begin = before.ceil_char_boundary(before.len().saturating_sub(LINE));
    let near = &before[begin..];
    let Some(scheme) = near.rfind("://") else {
        return false;
    };
    let user = &near[scheme + 3..];
    let name = user.split(':').next().unwrap_or(user);
    let is_one = !user.contains(|c| " \t\n/?#\"'<>".contains(c));
    let is_odd = |c: char| c == '\\' || !c.is_ascii_graphic();
    is_one && (name.contains('.') || name.contains('%') || user.contains(is_odd))
}

/// Whether a blank is where it usually is.
fn is_usual_blank(text: &str, at: usize, c: char, level: Level) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at..].chars().nth(1);
    let is_beside =
        |wanted: fn(char) -> bool| before.is_some_and(wanted) || after.is_some_and(wanted);
    match (c, level) {
        ('\u{2800}', _) => is_beside(|c| matches!(c, '\u{2801}'..='\u{28ff}')),
        ('\u{1680}', _) => is_beside(|c| matches!(c, '\u{1681}'..='\u{169c}')),
        // Also at the beginning of a paragraph.
        ('\u{3000}', _) => is_near_wide(text, at, at + c.len_utf8()),
        (_, Level::Strict) => is_beside(|c| matches!(c, '\u{ab}' | '\u{bb}')),
        // Several push what follows out of sight.
        (_, Level::Prose) => !is_beside(|c| kind(c) == Some(Kind::Blank)),
    }
}

/// Whether a sign is within a word of Latin letters, as in an address.
fn is_among_letters(text: &str, at: usize, end: usize) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[end..].chars().next();
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
    let sign = text[at..end].chars().next();
    // Between letters only: these are letters and signs of their own elsewhere. Catalan has a dot between two l.
    if matches!(
        sign,
        Some('\u{b7}' | '\u{660}' | '\u{3002}' | '\u{3033}' | '\u{30ce}' | '\u{ff61}')
    ) {
        let is_l = |c: Option<char>| matches!(c, Some('l' | 'L'));
        let is_catalan = sign == Some('\u{b7}') && is_l(before) && is_l(after);
        return is_letter(before) && is_letter(after) && !is_catalan;
    }
    // What is hidden, or imitates a letter, is written out where the text is drawn.
    let is_part = |c: Option<char>| {
        c.is_none_or(|c| {
            let is_drawn = matches!(c, '\n' | '\t');
            c.is_ascii_graphic() || is_like_latin(c) || is_deceptive(c) && !is_drawn
        })
    };
    (is_letter(before) && is_part(after)) || (is_letter(after) && is_part(before))
}

/// Whether there is writing of East Asia near, where wide letters and blanks are usual.
fn is_near_wide(text: &str, at: usize, end: usize) -> bool {
    text[..at].chars().rev().take(16).any(is_wide) || text[end..].chars().take(16).any(is_wide)
}

/// Whether a character is of East Asian writing.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{3001}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}' | '\u{ff5f}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marked(text: &str, level: Level) -> Vec<char> {
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(at) = find(text, from, text.len(), level) {
            let c = text[at..].chars().next().unwrap_or_default();
            found.push(c);
            from = at + c.len_utf8();
        }
        found
    }

    #[test]
    fn what_imitates_is_found_at_both_levels() {
        for (text, expected) in [
            ("p\u{430}ypal", "\u{430}"),
            ("https://ex\u{430}mple.com/", "\u{430}"),
            ("g\u{456}thub login", "\u{456}"),
            ("\u{41c}icrosoft", "\u{41c}"),
            ("g\u{3bf}\u{3bf}gle", "\u{3bf}\u{3bf}"),
            ("https://github.com@evil.example/x", "@"),
            ("curl https://github.com:443@evil.example", "@"),
            ("https://github.com%2Flogin@evil.example", "@"),
            ("https://github\u{200b}@evil.example", "@"),
            ("https://github\u{2028}com@evil.example", "@"),
            ("https://g\u{fc}thub@evil.example", "@"),
            ("https://github.com@a@evil.example", "@@"),
            ("see github.com\u{2215}evil", "\u{2215}"),
            ("see github\u{2024}\u{200b}com", "\u{2024}"),
            ("github\u{2024}com", "\u{2024}"),
            ("x\u{a0}\u{a0}\u{a0}y", "\u{a0}\u{a0}\u{a0}"),
            ("nothing\u{2800}here", "\u{2800}"),
        ] {
            for level in [Level::Strict, Level::Prose] {
                let found: String = marked(text, level).into_iter().collect();
                assert_eq!(found, expected, "{text} {level:?}");
            }
        }
    }

    #[test]
    fn what_is_carried_out_shows_every_blank_and_every_styled_letter() {
        for (text, expected) in [
            ("rm\u{a0}-rf", "\u{a0}"),
            ("rm\u{2003}-rf", "\u{2003}"),
            ("rm\u{3000}-rf", "\u{3000}"),
            ("\u{1d42b}\u{1d426} x", "\u{1d42b}\u{1d426}"),
            ("\u{ff52}\u{ff4d} x", "\u{ff52}\u{ff4d}"),
            (
                "https://\u{430}\u{440}\u{440}\u{4cf}\u{435}.com",
                "\u{430}\u{440}\u{440}\u{4cf}\u{435}",
            ),
            ("\u{3b1}bc", "\u{3b1}"),
        ] {
            let found: String = marked(text, Level::Strict).into_iter().collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn marks_without_end_are_written_out() {
        let text = format!("a{} b\u{301}", "\u{301}".repeat(9));
        for level in [Level::Strict, Level::Prose] {
            assert_eq!(marked(&text, level).len(), 3);
        }
        assert_eq!(marked("é ệ กี่ ཧཱུྃ नि", Level::Prose), Vec::<char>::new());
    }

    #[test]
    fn what_is_carried_out_shows_letters_and_signs_that_only_imitate() {
        for (text, expected) in [
            ("https://\u{261}ithub.com", "\u{261}"),
            ("https://g\u{131}thub.com", "\u{131}"),
            ("https://g\u{1d0f}\u{1d0f}gle.com", "\u{1d0f}\u{1d0f}"),
            ("m\u{2c9f}re", "\u{2c9f}"),
            ("g\u{d20}\u{d20}gle", "\u{d20}\u{d20}"),
            ("g\u{101d}ogle", "\u{101d}"),
            ("app\u{5d5}e", "\u{5d5}"),
            ("\u{212a}ey", "\u{212a}"),
            ("e\u{2113}f", "\u{2113}"),
            ("a\u{1c0}b", "\u{1c0}"),
            ("\u{24d6}ithub", "\u{24d6}"),
            ("\u{10428}pple", "\u{10428}"),
            ("github.com\u{30ce}evil.example", "\u{30ce}"),
            ("github.com\u{2571}evil", "\u{2571}"),
            ("github\u{3002}com", "\u{3002}"),
            ("github\u{b7}com", "\u{b7}"),
            ("github\u{660}com", "\u{660}"),
            ("echo \u{2bc}a; sh x.sh\u{2bc}", "\u{2bc}"),
            ("echo \u{2018}a; sh x.sh\u{2019}", "\u{2018}"),
            ("echo \u{201c}a | sh\u{201d}", "\u{201c}"),
            ("ls \u{fe5f}; sh x.sh", "\u{fe5f}"),
            ("ls \u{ff03} && sh x.sh", "\u{ff03}"),
            ("rm \u{2212}rf x", "\u{2212}"),
            ("rm \u{ff0d}rf x", "\u{ff0d}"),
            ("ls \u{fe69}HOME", "\u{fe69}"),
            ("ls\u{37e} sh x.sh", "\u{37e}"),
            ("ls \u{ff5c} sh", "\u{ff5c}"),
            ("s\u{336}h\u{336}", "\u{336}\u{336}"),
            ("\u{f07b} x", "\u{f07b}"),
        ] {
            let found: String = marked(text, Level::Strict).into_iter().collect();
            assert_eq!(found, expected, "{text}");
        }
        for text in [
            "git commit -m \"Fix the user\u{2019}s \u{201c}name\u{201d} \u{2013} at last\"",
            "echo \u{201c}quoted words\u{201d} \u{2014} and a dash",
            "// col\u{b7}legi, Łódź, Đà Nẵng, naïve, Größe, 5 µm, façade",
            "# İstanbul'da ığdır",
            "msg = \"東京タワー（333m）；はい｜いいえ\"",
            "print('한국어 문장입니다')",
            "مرحبا بالعالم",
            "नमस्ते दुनिया",
            "let λ = |x| x;  α → β",
        ] {
            assert_eq!(marked(text, Level::Strict), Vec::<char>::new(), "{text}");
        }
    }

    #[test]
    fn ordinary_texts_of_many_languages_are_left_alone() {
        for text in [
            "Où est la bibliothèque\u{a0}? \u{ab}\u{a0}Là-bas\u{a0}\u{bb}, dit-il\u{202f}; 10\u{202f}000\u{a0}€.",
            "Größe, Straße, Übermut: 20\u{a0}°C",
            "Привет! Как дела? Съешь ещё этих мягких французских булок, да выпей чаю.",
            "Она сама о том не знала; а у нас есть API-сервер и pdf-файл",
            "Καλημέρα κόσμε, το Ω και το α",
            "東京タワー\u{3000}は\u{ff13}\u{ff13}\u{ff13}メートルです。ＡＢＣ社：お知らせ",
            "\u{3000}\u{3000}中文段落，首行缩进：说明",
            "한국어 문장입니다",
            "مرحبا بالعالم، كيف حالك؟",
            "नमस्ते दुनिया",
            "Բարեւ աշխարհ",
            "Δx and μm, λ-calculus, π ≈ 3.14, H₂O, 1⁄2",
            "ρV and νt in a formula",
            "⠋ working ⠙⠹⠸\u{2800}⠼",
            "ada@example.com, git@github.com:shop/app.git, @user, a @ b",
            "ssh://git@github.com/shop https://user:secret@host.example/ npm i @scope/name",
            "İstanbul'da ığdır, Łódź, Đà Nẵng",
        ] {
            assert_eq!(marked(text, Level::Prose), Vec::<char>::new(), "{text}");
        }
        for text in [
            "Привет, это комментарий; а вот и сам код",
            "// 東京\u{3000}タワー",
            "msg = \"\u{ab}\u{a0}oui\u{a0}\u{bb}\"",
            "git clone ssh://git@github.com/shop",
            "const π = Math.PI; // Δ",
        ] {
            assert_eq!(marked(text, Level::Strict), Vec::<char>::new(), "{text}");
        }
    }

    #[test]
    fn long_texts_take_time_in_proportion() {
        let begun = std::time::Instant::now();
        for text in [
            "\u{430}",
            "@",
            "a\u{436}",
            "\u{a0}",
            "\u{430} ",
            "https://a@",
        ] {
            let long = text.repeat(1_000_000 / text.len());
            let mut from = 0;
            while let Some(at) = find(&long, from, long.len(), Level::Prose) {
                from = at + long[at..].chars().next().map_or(1, char::len_utf8);
            }
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(20));
    }

    proptest! {
        #[test]
        fn every_place_is_a_characters_and_ascii_has_only_addresses(text in "\\PC{0,60}", ascii in "[ -?A-~]{0,60}") {
            let mut from = 0;
            while let Some(at) = find(&text, from, text.len(), Level::Strict) {
                prop_assert!(at >= from && text.is_char_boundary(at));
                from = at + text[at..].chars().next().map_or(1, char::len_utf8);
            }
            prop_assert_eq!(find(&ascii, 0, ascii.len(), Level::Strict), None);
        }
    }
}
