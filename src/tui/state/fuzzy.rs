//! Filters: words in any order, each literally where anything has it, else with letters left out.
//!
//! Owns the matching and its scratch memory, which is large: make one [`Fuzzy`] for a list, not one
//! for each row. Pure otherwise. Used by the list of sessions, the inbox, the palette, the completion
//! of files and the search.

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::domain::text::find_ignoring_case;

/// Characters of a text that are looked at: a filter is for names, not for novels.
const LOOKED_AT: usize = 512;

/// What a word must score for each of its letters. Letters that are merely somewhere in a long text, in
/// the right order by chance, score less; a list that is not sorted by how well things match must not
/// show those.
const PER_LETTER: u32 = 13;

/// The shortest word of which letters may be left out.
const SHORTEST_FUZZY: usize = 3;

/// Scores of a literal match: more than any fuzzy one.
const WHOLE_WORD: u32 = 30_000;
const WORD_START: u32 = 20_000;
const INSIDE: u32 = 10_000;

/// A word of the filter.
#[derive(Debug)]
struct Word {
    /// As it is compared: in lower case unless it was typed with a capital.
    text: String,
    /// Whether its case counts.
    exact_case: bool,
    /// The same for a fuzzy match; none where letters must not be left out: of a number another
    /// number would come.
    atom: Option<Atom>,
}

/// How well a filter matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// The higher the better.
    pub score: u32,
    /// Whether each word is there letter by letter.
    pub literal: bool,
}

/// A filter that is ready to be asked.
#[derive(Debug)]
pub struct Fuzzy {
    words: Vec<Word>,
    /// None where everything matches: the filter is blank.
    matcher: Option<Matcher>,
    letters: Vec<char>,
    found: Vec<u32>,
}

impl Fuzzy {
    /// For what is typed; a blank one matches everything.
    #[must_use]
    pub fn new(typed: &str) -> Self {
        let words: Vec<Word> = typed.split_whitespace().map(Word::new).collect();
        Self {
            matcher: (!words.is_empty()).then(|| Matcher::new(Config::DEFAULT)),
            words,
            letters: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Whether it matches everything.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.matcher.is_none()
    }

    /// How it matches the texts of one thing: each word must match one of them. None: not at all.
    pub fn fit(&mut self, texts: &[&str]) -> Option<Fit> {
        let mut fit = Fit {
            score: 0,
            literal: true,
        };
        let Some(matcher) = self.matcher.as_mut() else {
            return Some(fit);
        };
        let letters = &mut self.letters;
        for word in &self.words {
            let literal = texts
                .iter()
                .filter_map(|text| word.literal(head(text)).map(|(_, score)| score))
                .max();
            fit.score += match literal {
                Some(score) => score,
                None => {
                    fit.literal = false;
                    let atom = word.atom.as_ref()?;
                    let best = texts
                        .iter()
                        .filter_map(|text| atom.score(Utf32Str::new(head(text), letters), matcher))
                        .max()?;
                    let best = u32::from(best);
                    if best < least(atom) {
                        return None;
                    }
                    best
                }
            };
        }
        Some(fit)
    }

    /// How well it matches the texts of one thing. None: not at all.
    pub fn score(&mut self, texts: &[&str]) -> Option<u32> {
        self.fit(texts).map(|fit| fit.score)
    }

    /// Whether it matches the texts of one thing.
    pub fn fits(&mut self, texts: &[&str]) -> bool {
        self.fit(texts).is_some()
    }

    /// Which letters of a text it matches, in order; words that do not match it are left out.
    pub fn letters(&mut self, text: &str) -> Vec<usize> {
        let Some(matcher) = self.matcher.as_mut() else {
            return Vec::new();
        };
        self.found.clear();
        let text = head(text);
        for word in &self.words {
            if let Some((range, _)) = word.literal(text) {
                let letters = text.grapheme_indices(true).enumerate();
                let inside = letters.filter(|(_, (at, _))| range.contains(at));
                self.found
                    .extend(inside.filter_map(|(index, _)| u32::try_from(index).ok()));
                continue;
            }
            let Some(atom) = &word.atom else { continue };
            let text = Utf32Str::new(text, &mut self.letters);
            let before = self.found.len();
            let score = atom.indices(text, matcher, &mut self.found);
            if score.is_none_or(|score| u32::from(score) < least(atom)) {
                self.found.truncate(before);
            }
        }
        self.found.sort_unstable();
        self.found.dedup();
        self.found
            .iter()
            .filter_map(|index| usize::try_from(*index).ok())
            .collect()
    }
}

impl Word {
    fn new(typed: &str) -> Self {
        let exact_case = typed.chars().any(char::is_uppercase);
        let letters = typed.chars().count();
        let fuzzy = letters >= SHORTEST_FUZZY && !typed.chars().any(|c| c.is_ascii_digit());
        let atom = fuzzy.then(|| {
            let pattern = Pattern::new(
                typed,
                CaseMatching::Smart,
                Normalization::Smart,
                AtomKind::Fuzzy,
            );
            pattern.atoms.into_iter().next()
        });
        Self {
            text: typed.to_owned(),
            exact_case,
            atom: atom.flatten(),
        }
    }

    /// Where a text has the word letter by letter, and how good a place that is: the best of them.
    fn literal(&self, text: &str) -> Option<(std::ops::Range<usize>, u32)> {
        let mut best: Option<(std::ops::Range<usize>, u32)> = None;
        let mut from = 0;
        while let Some(rest) = text.get(from..) {
            let found = if self.exact_case {
                rest.find(&self.text).map(|at| at..at + self.text.len())
            } else {
                find_ignoring_case(rest, &self.text)
            };
            let Some(found) = found else { break };
            let range = from + found.start..from + found.end;
            let before = text[..range.start].chars().next_back();
            let after = text[range.end..].chars().next();
            let score = match (in_word(before), in_word(after)) {
                (false, false) => WHOLE_WORD,
                (false, true) => WORD_START,
                (true, _) => INSIDE,
            };
            let step = text[range.start..].chars().next().map_or(1, char::len_utf8);
            from = range.start + step;
            if best.as_ref().is_none_or(|(_, other)| score > *other) {
                best = Some((range, score));
            }
            if score == WHOLE_WORD {
                break;
            }
        }
        best
    }
}

fn in_word(c: Option<char>) -> bool {
    c.is_some_and(char::is_alphanumeric)
}

fn least(atom: &Atom) -> u32 {
    let letters = u32::try_from(atom.needle_text().len()).unwrap_or(u32::MAX);
    letters.saturating_mul(PER_LETTER)
}

fn head(text: &str) -> &str {
    match text.char_indices().nth(LOOKED_AT) {
        Some((end, _)) if text.len() > LOOKED_AT => &text[..end],
        Some(_) | None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_fits_somewhere_and_its_letters_keep_their_order() {
        let texts = ["Fix the login form", "~/src/api", "opus"];
        for (typed, fits) in [
            ("", true),
            ("  ", true),
            ("login", true),
            ("lgn", true),
            ("api login", true),
            ("opus fix", true),
            ("nigol", false),
            ("login haiku", false),
            ("Login", false),
            ("Fix", true),
        ] {
            assert_eq!(Fuzzy::new(typed).fits(&texts), fits, "{typed:?}");
        }
        // Letters are not gathered from all over: "lo" of the title and "pu" of the model.
        assert!(!Fuzzy::new("formopus").fits(&texts));
    }

    #[test]
    fn the_letters_that_fit_are_told() {
        let mut fuzzy = Fuzzy::new("lo fo");
        assert_eq!(fuzzy.letters("the login form"), [4, 5, 10, 11]);
        assert_eq!(fuzzy.letters("xyz"), [0_usize; 0]);
        assert_eq!(Fuzzy::new("").letters("abc"), [0_usize; 0]);
    }

    #[test]
    fn letters_that_are_only_somewhere_do_not_fit() {
        let text = "approve the runner, then search the journal for sockets";
        for (typed, fits) in [
            ("pars", false),
            ("aprnr", true),
            ("runner", true),
            ("journl", true),
            ("sckts", true),
        ] {
            let mut fuzzy = Fuzzy::new(typed);
            assert_eq!(fuzzy.fits(&[text]), fits, "{typed}");
            assert_eq!(fuzzy.letters(text).is_empty(), !fits, "{typed}");
        }
    }

    #[test]
    fn a_better_fit_scores_higher() {
        let mut fuzzy = Fuzzy::new("login");
        let exact = fuzzy.score(&["login"]);
        let scattered = fuzzy.score(&["log it in"]);
        assert!(exact > scattered && scattered.is_some());
    }

    #[test]
    fn letters_are_left_out_of_words_only_and_never_of_numbers_or_two_letters() {
        for (typed, text, matches) in [
            ("77", "number 77", true),
            ("77", "number 177", true),
            ("77", "number 7, then 7", false),
            ("number 77", "number 78", false),
            ("v12", "v1.2", false),
            ("rs", "rust", false),
            ("rst", "rust", true),
        ] {
            assert_eq!(
                Fuzzy::new(typed).fits(&[text]),
                matches,
                "{typed:?} in {text:?}"
            );
        }
    }

    #[test]
    fn a_whole_word_is_better_than_a_part_and_a_part_than_left_out_letters() {
        let mut fuzzy = Fuzzy::new("log");
        let mut score = |text: &str| {
            fuzzy.fit(&[text]).unwrap_or(Fit {
                score: 0,
                literal: false,
            })
        };
        let texts = ["the log", "the login", "the prolog", "lopping"];
        let scores = texts.map(|text| score(text).score);
        assert!(scores.is_sorted_by(|a, b| a > b), "{scores:?}");
        assert_eq!(
            texts.map(|text| score(text).literal),
            [true, true, true, false]
        );
    }
}
