//! Fuzzy filters: words in any order, letters in theirs.
//!
//! Owns the matching and its scratch memory, which is large: make one [`Fuzzy`] for a list, not one
//! for each row. Pure otherwise. Used by the list of sessions, the inbox, the palette and the search.

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// Letters of a text that are looked at: a filter is for names, not for novels.
const LOOKED_AT: usize = 512;

/// What a word must score for each of its letters. Letters that are merely somewhere in a long text, in
/// the right order by chance, score less; a list that is not sorted by how well things fit must not
/// show those.
const PER_LETTER: u32 = 13;

/// A filter that is ready to be asked.
#[derive(Debug)]
pub struct Fuzzy {
    pattern: Pattern,
    /// None where everything fits: the filter is blank.
    matcher: Option<Matcher>,
    letters: Vec<char>,
    found: Vec<u32>,
}

impl Fuzzy {
    /// For what is typed; a blank one fits everything.
    #[must_use]
    pub fn new(typed: &str) -> Self {
        let pattern = Pattern::new(
            typed,
            CaseMatching::Smart,
            Normalization::Smart,
            AtomKind::Fuzzy,
        );
        let blank = pattern.atoms.is_empty();
        Self {
            pattern,
            matcher: (!blank).then(|| Matcher::new(Config::DEFAULT)),
            letters: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Whether it fits everything.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.matcher.is_none()
    }

    /// How well it fits the texts of one thing: each word must fit one of them. None: not at all.
    pub fn score(&mut self, texts: &[&str]) -> Option<u32> {
        let Some(matcher) = self.matcher.as_mut() else {
            return Some(0);
        };
        let letters = &mut self.letters;
        let mut sum = 0;
        for atom in &self.pattern.atoms {
            let best = texts
                .iter()
                .filter_map(|text| atom.score(Utf32Str::new(head(text), letters), matcher))
                .max()?;
            if u32::from(best) < least(atom) {
                return None;
            }
            sum += u32::from(best);
        }
        Some(sum)
    }

    /// Whether it fits the texts of one thing.
    pub fn fits(&mut self, texts: &[&str]) -> bool {
        self.score(texts).is_some()
    }

    /// Which letters of a text it fits, in order; words that do not fit it are left out.
    pub fn letters(&mut self, text: &str) -> Vec<usize> {
        let Some(matcher) = self.matcher.as_mut() else {
            return Vec::new();
        };
        self.found.clear();
        for atom in &self.pattern.atoms {
            let text = Utf32Str::new(head(text), &mut self.letters);
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

fn least(atom: &Atom) -> u32 {
    let letters = u32::try_from(atom.needle_text().len()).unwrap_or(u32::MAX);
    letters.saturating_mul(PER_LETTER)
}

/// Whether a fuzzy filter holds for a text; an empty one always does. For more than a few texts
/// make one [`Fuzzy`].
#[must_use]
pub fn holds(filter: &str, text: &str) -> bool {
    Fuzzy::new(filter).fits(&[text])
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
        // Letters are not gathered from all over: «lo» of the title and «pu» of the model.
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
            ("ts", true),
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
}
