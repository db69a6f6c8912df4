//! Tests of the way from foreign text to lines.

use proptest::prelude::*;

use super::*;
use crate::domain::text::is_deceptive;

fn plain(lines: &[Line<'static>]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

fn words(text: &str, columns: usize) -> Vec<String> {
    let row = Row::foreign_of(text, Style::new(), &Theme::mono());
    plain(&row.words(columns, &Row::new(), &Row::new()))
}

#[test]
fn words_stay_whole_where_they_can() {
    let cases: [(&str, usize, &[&str]); 9] = [
        ("", 10, &[""]),
        ("one two three", 20, &["one two three"]),
        ("one two three", 8, &["one two", "three"]),
        ("one two three", 7, &["one two", "three"]),
        ("one  two", 5, &["one", "two"]),
        (
            "incomprehensibilities",
            8,
            &["incompre", "hensibil", "ities"],
        ),
        ("漢字漢字 ab", 5, &["漢字", "漢字", "ab"]),
        ("a 🦀🦀", 3, &["a", "🦀", "🦀"]),
        ("      indented", 4, &["    ", "  in", "dent", "ed"]),
    ];
    for (text, columns, expected) in cases {
        assert_eq!(words(text, columns), expected, "{text:?} in {columns}");
    }
}

#[test]
fn code_fills_its_lines() {
    let row = Row::foreign_of("let a = 1;", Style::new(), &Theme::mono());
    let lines = row.columns(
        6,
        &Row::of("1 ", Style::new()),
        &Row::of("  ", Style::new()),
    );
    assert_eq!(plain(&lines), ["1 let ", "  a = ", "  1;"]);
}

#[test]
fn what_deceives_is_shown_and_marked() {
    let theme = Theme::dark();
    let row = Row::foreign_of("rm \u{202e}x\ty\u{1b}[2J", theme.text, &theme);
    let shown: Vec<(&str, bool)> = row
        .spans()
        .iter()
        .map(|span| {
            let marked = span.style == theme.text.patch(theme.unmasked);
            (span.content.as_ref(), marked)
        })
        .collect();
    let expected = [
        ("rm ", false),
        ("\\u{202e}", true),
        ("x    y", false),
        ("\\u{1b}", true),
        ("[2J", false),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn line_ends_of_both_kinds_end_lines() {
    let found: Vec<&str> = lines("a\r\nb\nc\rd\n").collect();
    assert_eq!(found, ["a", "b", "c\rd"]);
}

proptest! {
    #[test]
    fn no_line_is_wider_than_its_room_and_no_word_is_lost(
        text in "[a-z 漢🦀e\u{301}\t]{0,80}", columns in 2usize..30,
    ) {
        let row = Row::foreign_of(&text, Style::new(), &Theme::mono());
        let wrapped = plain(&row.words(columns, &Row::new(), &Row::new()));
        for line in &wrapped {
            prop_assert!(line.width() <= columns, "{line:?} in {columns}");
        }
        let visible = |text: &str| text.split_whitespace().collect::<String>();
        prop_assert_eq!(visible(&wrapped.concat()), visible(&text));
    }

    #[test]
    fn nothing_panics_and_nothing_deceptive_is_drawn(text in "(.|\\n){0,60}", columns in 0usize..5) {
        let row = Row::foreign_of(&text, Style::new(), &Theme::mono());
        let prefix = Row::of("> > > ", Style::new());
        for line in row.words(columns, &prefix, &prefix) {
            prop_assert!(!line.to_string().contains(is_deceptive));
        }
        prop_assert!(row.clone().cut(columns).width() <= columns);
    }
}
