//! The grammars of languages: loaded once, each compiled by a thread of its own when first wanted.
//!
//! Compiling one takes up to some tenths of a second and megabytes of memory, so it happens only for
//! languages that are looked at, never while a frame waits, and for a bounded number of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use syntect::highlighting::{
    Color, HighlightIterator, HighlightState, Highlighter, ScopeSelectors, StyleModifier, Theme,
    ThemeItem,
};
use syntect::parsing::{ParseState, ScopeStack, SyntaxReference, SyntaxSet};

/// Languages that are compiled; code in any further one is plain.
const MAX_LANGUAGES: usize = 24;

/// Code that meets the expressions which nearly all code meets.
const SAMPLE: &str = "use a::b; import c from 'd'; // e\n\
    fn f<T>(x: &str, y: int = 1) -> u8 { let z = \"g\"; if (x == 1.5) { return h(!true, 'i'); } }\n\
    def j(k): # l\n    return f\"{k}\"\n\
    class M extends N { /* o */ p: { q: [null] } }\n\
    for r in *.s; do echo \"$t\" | u -v > w; done\n\
    key: value\n{\"a\": [1, true]}\n";

/// What words are, and the scopes that grammars give them.
pub(crate) const KINDS: [(Word, &str); 9] = [
    (Word::Comment, "comment, punctuation.definition.comment"),
    (Word::String, "string, constant.character, markup.raw"),
    (
        Word::Number,
        "constant.numeric, constant.language, constant.other",
    ),
    (
        Word::Keyword,
        "keyword - keyword.operator, storage, keyword.operator.word, keyword.operator.logical",
    ),
    (
        Word::Function,
        "entity.name.function, support.function, variable.function",
    ),
    (
        Word::Type,
        "entity.name.type, entity.name.class, entity.name.struct, entity.name.enum, \
         entity.name.trait, support.type, support.class, entity.other.inherited-class, storage.type.class",
    ),
    (
        Word::Name,
        "entity.other.attribute-name, variable.parameter, meta.annotation, support.constant, \
         entity.name.tag, meta.mapping.key string",
    ),
    (Word::Heading, "markup.heading, entity.name.section"),
    (Word::Bad, "invalid"),
];

/// A kind of word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Comment,
    String,
    Number,
    Keyword,
    Function,
    Type,
    Name,
    Heading,
    Bad,
}

/// What is loaded.
pub(crate) struct Loaded {
    pub syntaxes: SyntaxSet,
    pub highlighter: Highlighter<'static>,
}

#[derive(Default)]
struct Languages {
    /// By the grammar's name: whether it is compiled.
    compiled: HashMap<String, bool>,
    wanted: Vec<String>,
    /// Whether a thread is compiling.
    busy: bool,
}

static COLORS: OnceLock<Theme> = OnceLock::new();
static LOADED: OnceLock<Loaded> = OnceLock::new();
static LANGUAGES: OnceLock<Mutex<Languages>> = OnceLock::new();
static GENERATION: AtomicU64 = AtomicU64::new(0);
static CHANGED: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

/// Loads the grammars, which takes some milliseconds: call it once, on a thread of its own.
pub fn warm() {
    LOADED.get_or_init(|| Loaded {
        syntaxes: two_face::syntax::extra_newlines(),
        highlighter: Highlighter::new(COLORS.get_or_init(colors)),
    });
    changed();
}

/// Changes whenever more code can be highlighted than before. What was laid out before should be
/// laid out again then; [`crate::tui::transcript::Transcript::draw`] sees to that for what it draws.
#[must_use]
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Acquire)
}

/// Has something called, from another thread, whenever [`generation`] changes: to draw again. The
/// first call counts.
pub fn on_change(call: Box<dyn Fn() + Send + Sync>) {
    drop(CHANGED.set(call));
}

fn changed() {
    GENERATION.fetch_add(1, Ordering::AcqRel);
    if let Some(call) = CHANGED.get() {
        call();
    }
}

/// The grammar for a language's or a file's name, once it is compiled.
pub(crate) fn of(language: &str) -> Option<(&'static Loaded, &'static SyntaxReference)> {
    let loaded = LOADED.get()?;
    let syntax = find(&loaded.syntaxes, language)?;
    let mut languages = languages();
    match languages.compiled.get(&syntax.name) {
        Some(true) => return Some((loaded, syntax)),
        Some(false) => return None,
        None if languages.compiled.len() >= MAX_LANGUAGES => return None,
        None => {}
    }
    languages.compiled.insert(syntax.name.clone(), false);
    languages.wanted.push(syntax.name.clone());
    if !languages.busy {
        let spawned = thread::Builder::new()
            .name("grammars".to_owned())
            .spawn(move || compile_wanted(loaded));
        languages.busy = spawned.is_ok();
    }
    None
}

fn languages() -> MutexGuard<'static, Languages> {
    LANGUAGES
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

fn compile_wanted(loaded: &Loaded) {
    loop {
        let next = {
            let mut languages = languages();
            let next = languages.wanted.pop();
            languages.busy = next.is_some();
            next
        };
        let Some(name) = next else { return };
        if let Some(syntax) = loaded.syntaxes.find_syntax_by_name(&name) {
            compile(loaded, syntax);
        }
        languages().compiled.insert(name, true);
        changed();
    }
}

/// Highlights the sample: an expression is compiled when it is first met.
fn compile(loaded: &Loaded, syntax: &SyntaxReference) {
    let mut parse = ParseState::new(syntax);
    let mut scopes = HighlightState::new(&loaded.highlighter, ScopeStack::new());
    for line in SAMPLE.split_inclusive('\n') {
        if let Ok(changes) = parse.parse_line(line, &loaded.syntaxes) {
            HighlightIterator::new(&mut scopes, &changes, line, &loaded.highlighter).for_each(drop);
        }
    }
}

fn find<'s>(syntaxes: &'s SyntaxSet, language: &str) -> Option<&'s SyntaxReference> {
    let name = language.rsplit(['/', '\\']).next().unwrap_or(language);
    // What people write behind a fence: `rust,ignore`, `{.python}`, `console`.
    let name = name
        .split([',', ' ', '}'])
        .next()
        .unwrap_or(name)
        .trim_start_matches(['{', '.']);
    let name = match name.to_ascii_lowercase().as_str() {
        "" => return None,
        "shell" | "console" | "zsh" | "shellscript" => "sh".to_owned(),
        "jsonc" | "json5" | "jsonl" | "ipynb" => "json".to_owned(),
        other => other.to_owned(),
    };
    let extension = name.rsplit('.').next().unwrap_or(&name);
    syntaxes
        .find_syntax_by_token(&name)
        .or_else(|| syntaxes.find_syntax_by_token(extension))
}

/// A theme for the grammars whose colours are the numbers of [`KINDS`].
fn colors() -> Theme {
    let color = |number: usize| Color {
        r: u8::try_from(number).unwrap_or(u8::MAX),
        g: 0,
        b: 0,
        a: u8::MAX,
    };
    let items = KINDS.iter().enumerate().filter_map(|(at, (_, scopes))| {
        Some(ThemeItem {
            scope: scopes.parse::<ScopeSelectors>().ok()?,
            style: StyleModifier {
                foreground: Some(color(at + 1)),
                background: None,
                font_style: None,
            },
        })
    });
    let mut theme = Theme {
        scopes: items.collect(),
        ..Theme::default()
    };
    theme.settings.foreground = Some(color(0));
    theme
}

/// Compiles languages at once: tests do not wait for a thread.
#[cfg(test)]
pub(crate) fn compile_now(names: &[&str]) {
    warm();
    let Some(loaded) = LOADED.get() else { return };
    for name in names {
        if let Some(syntax) = find(&loaded.syntaxes, name) {
            languages().compiled.insert(syntax.name.clone(), true);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_language_is_compiled_when_it_is_wanted_and_that_is_told() {
        let (told, tells) = mpsc::channel();
        let told = Mutex::new(told);
        on_change(Box::new(move || {
            // Nobody listens once the test is over.
            let _ = told.lock().unwrap().send(());
        }));
        warm();
        let before = generation();
        assert!(of("a/b.lua").is_none(), "nobody waits for it");
        while of("a/b.lua").is_none() {
            tells.recv().unwrap();
        }
        assert!(generation() > before);
        assert!(of("no such language").is_none());
    }

    #[test]
    fn every_selector_is_understood() {
        assert_eq!(colors().scopes.len(), KINDS.len());
    }
}
