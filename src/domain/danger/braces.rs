//! `{a,b}`: the words that one word stands for.

use super::shell::{Piece, Word};

/// Words that one with braces may stand for.
const MAX_BRACES: usize = 64;
/// Characters of a word with braces that is taken apart.
const MAX_LENGTH: usize = 1024;

/// The words that a word with `{a,b}` stands for; none where those are too many.
pub(super) fn braces(word: &Word) -> Option<Vec<Word>> {
    let has = word.pieces.iter().any(
        |piece| matches!(piece, Piece::Plain(text) if text.contains('{') || text.contains('}')),
    );
    if !has {
        return Some(vec![word.clone()]);
    }
    let mut parts: Vec<Part> = Vec::new();
    for piece in &word.pieces {
        match piece {
            Piece::Plain(text) => parts.extend(text.chars().map(Part::Char)),
            other => parts.push(Part::Whole(other.clone())),
        }
    }
    if parts.len() > MAX_LENGTH {
        return None;
    }
    let mut made: Vec<Vec<Part>> = vec![Vec::new()];
    let mut rest = parts.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let choice = matches!(first, Part::Char('{'))
            .then(|| choices(after))
            .flatten();
        match choice {
            Some((choices, _)) if made.len() * choices.len() > MAX_BRACES => return None,
            Some((choices, length)) => {
                made = made
                    .iter()
                    .flat_map(|before| {
                        choices
                            .iter()
                            .map(|choice| [before.as_slice(), choice].concat())
                    })
                    .collect();
                rest = after.get(length..).unwrap_or_default();
            }
            None => {
                made.iter_mut().for_each(|word| word.push(first.clone()));
                rest = after;
            }
        }
    }
    Some(made.iter().map(|parts| whole(parts)).collect())
}

/// A character outside quotes, or a piece.
#[derive(Clone)]
enum Part {
    Char(char),
    Whole(Piece),
}

fn whole(parts: &[Part]) -> Word {
    let mut word = Word::default();
    for part in parts {
        match (part, word.pieces.last_mut()) {
            (Part::Char(c), Some(Piece::Plain(text))) => text.push(*c),
            (Part::Char(c), _) => word.pieces.push(Piece::Plain((*c).into())),
            (Part::Whole(piece), _) => word.pieces.push(piece.clone()),
        }
    }
    word
}

/// The choices between braces, of which the first is open, and how far the last one is. Braces within
/// them stay as they are. Only as far ahead as a word can have choices.
fn choices(parts: &[Part]) -> Option<(Vec<Vec<Part>>, usize)> {
    let mut found = vec![Vec::new()];
    let mut open = 0_usize;
    for (at, part) in parts.iter().enumerate().take(1024) {
        match part {
            Part::Char('{') => open += 1,
            Part::Char('}') if open == 0 => {
                return (found.len() > 1).then_some((found, at + 1));
            }
            Part::Char('}') => open -= 1,
            Part::Char(',') if open == 0 => {
                found.push(Vec::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = found.last_mut() {
            last.push(part.clone());
        }
    }
    None
}
