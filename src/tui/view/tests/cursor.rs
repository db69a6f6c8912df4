//! Fields: where the terminal's own cursor is while something is typed (input methods show their candidates
//! there), what moves and deletes, and what a paste does. All fields, in both sizes of the screen.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

use crate::tui::msg::Msg;
use crate::tui::testing::{TuiHarness, approval, session};

const SIZES: [(u16, u16); 2] = [(80, 24), (140, 40)];

/// Every field, and the keys that lead to it; what is asked there; whether it has several lines.
const FIELDS: [(&str, &str, &str, bool); 22] = [
    ("reason of a denial", "n", "permission", true),
    ("reason of several denials", "N", "permission", true),
    ("edited input", "e", "permission", true),
    ("search in an approval", "v /", "permission", false),
    ("palette", ":", "permission", false),
    ("search of everything", "S", "permission", false),
    ("search of the keys", "? /", "permission", false),
    ("filter of the inbox", "1 /", "permission", false),
    ("filter of the sessions", "2 /", "permission", false),
    ("search in the conversation", "3 /", "permission", false),
    ("prompt line", "c", "permission", true),
    ("reply", "r", "permission", true),
    ("fork", "F", "permission", true),
    ("title", "R", "permission", false),
    ("form of a new session: what", "C", "permission", true),
    (
        "form of a new session: second field",
        "C tab",
        "permission",
        false,
    ),
    (
        "own answer to one question",
        "y down down",
        "question",
        true,
    ),
    (
        "own answer to several questions",
        "y down down",
        "questions",
        true,
    ),
    ("answer to a program", "y", "contact", true),
    ("answer to a program with options", "y", "options", true),
    ("reply from the conversation", "3 r", "permission", true),
    (
        "form of a new session: after a search",
        "2 / esc C",
        "permission",
        true,
    ),
];

fn tui(size: (u16, u16), asked: &str) -> TuiHarness {
    let question = json!({"question": "Which?", "header": "W", "multiSelect": false,
        "options": [{"label": "One", "description": "1"}, {"label": "Two", "description": "2"}]});
    let mut other = question.clone();
    other["question"] = json!("And when?");
    let changes = match asked {
        "question" => json!({"kind": "question", "tool_name": "AskUserQuestion",
            "tool_input": {"questions": [question]}}),
        "questions" => json!({"kind": "question", "tool_name": "AskUserQuestion",
            "tool_input": {"questions": [question, other]}}),
        "contact" => json!({"kind": "contact", "tool_name": "contact_human", "source": "local_api",
            "tool_input": {"message": "How goes it?"}}),
        "options" => json!({"kind": "contact", "tool_name": "contact_human", "source": "local_api",
            "tool_input": {"message": "How goes it?"},
            "options": [{"name": "well", "title": "Well"}]}),
        _ => json!({}),
    };
    let asked = approval("a1", "s1", changes);
    let sessions = [session("s1", json!({})), session("s2", json!({}))];
    TuiHarness::new(size, &sessions, &[asked])
}

/// A field that was opened.
fn opened(size: (u16, u16), (field, keys, asked, _): (&str, &str, &str, bool)) -> TuiHarness {
    let mut tui = tui(size, asked);
    tui.keys(keys);
    // Some hold something already, which is of no interest here.
    tui.keys("ctrl-u");
    assert!(
        tui.cursor().is_some(),
        "{field} at {size:?}: no cursor:\n{}",
        tui.screen()
    );
    tui
}

/// What stands on the row of the cursor before it.
fn before_cursor(tui: &mut TuiHarness) -> Option<String> {
    let (end, y) = tui.cursor()?;
    let buffer = tui.buffer();
    let (mut text, mut x) = (String::new(), 0);
    while x < end {
        let symbol = buffer.cell((x, y))?.symbol();
        text.push_str(symbol);
        // The second cell of a wide character is not shown.
        x += u16::try_from(symbol.width().max(1)).unwrap();
    }
    Some(text)
}

/// What the field holds.
fn held(tui: &mut TuiHarness) -> String {
    let app = &mut tui.app;
    if let Some(field) = app.form.as_mut().and_then(|form| form.field()) {
        return field.text();
    }
    if app.sessions.typing {
        app.sessions.filter.clone()
    } else if app.inbox.typing {
        app.inbox.filter.clone()
    } else if app.detail.typing {
        app.detail.search.clone().unwrap_or_default()
    } else {
        app.launch.prompt.text()
    }
}

#[test]
fn the_terminals_cursor_is_behind_what_was_typed_in_every_field() {
    for size in SIZES {
        for of in FIELDS {
            let mut tui = opened(size, of);
            let field = of.0;
            tui.type_in("ab漢字");
            let before = before_cursor(&mut tui).unwrap_or_else(|| "no cursor".to_owned());
            assert!(
                before.ends_with("ab漢字"),
                "{field} at {size:?}: {before:?}"
            );
            tui.keys("left");
            let before = before_cursor(&mut tui).unwrap();
            assert!(before.ends_with("ab漢"), "{field} at {size:?}: {before:?}");
            tui.keys("left left");
            let before = before_cursor(&mut tui).unwrap();
            assert!(before.ends_with('a'), "{field} at {size:?}: {before:?}");
            tui.type_in("仮");
            let before = before_cursor(&mut tui).unwrap();
            assert!(before.ends_with("a仮"), "{field} at {size:?}: {before:?}");
            assert_eq!(held(&mut tui), "a仮b漢字", "{field}");
        }
    }
}

#[test]
fn it_is_there_too_when_the_text_is_longer_than_the_field() {
    for size in SIZES {
        for of in FIELDS {
            let mut tui = opened(size, of);
            let field = of.0;
            tui.type_in(&"漢字".repeat(150));
            tui.type_in("終");
            let before = before_cursor(&mut tui).unwrap_or_else(|| "no cursor".to_owned());
            assert!(before.ends_with('終'), "{field} at {size:?}: {before:?}");
        }
    }
}

#[test]
fn every_field_moves_and_deletes_by_what_a_reader_takes_for_one_character() {
    for of in FIELDS {
        for cluster in [
            "👩\u{200d}💻",
            "🇩🇪",
            "\u{928}\u{93f}",
            "e\u{301}",
            "👍🏽",
            "漢",
        ] {
            let field = of.0;
            let mut tui = opened(SIZES[1], of);
            let insert = |tui: &mut TuiHarness| {
                for c in cluster.chars() {
                    tui.type_in(&c.to_string());
                }
            };
            tui.type_in("a");
            insert(&mut tui);
            tui.type_in("b");
            tui.keys("left backspace");
            assert_eq!(held(&mut tui), "ab", "{field}: backspace after {cluster}");
            insert(&mut tui);
            tui.keys("left delete");
            assert_eq!(held(&mut tui), "ab", "{field}: delete before {cluster}");
            insert(&mut tui);
            tui.keys("left left right");
            tui.type_in("x");
            assert_eq!(held(&mut tui), format!("ax{cluster}b"), "{field}: moves");
        }
    }
}

#[test]
fn a_paste_goes_where_the_cursor_is_in_every_field_and_does_nothing_else() {
    for of in FIELDS {
        let field = of.0;
        let mut tui = opened(SIZES[0], of);
        tui.type_in("ab");
        tui.keys("left");
        let effects = tui.tell(Msg::Paste("y\r\n漢".to_owned()));
        let decides = effects
            .iter()
            .any(|effect| format!("{effect:?}").starts_with("Decide"));
        assert!(!decides, "{field}");
        let pasted = if of.3 { "ay\n漢b" } else { "ay 漢b" };
        assert_eq!(held(&mut tui), pasted, "{field}");
        let before = before_cursor(&mut tui).unwrap();
        assert!(before.ends_with('漢'), "{field}: {before:?}");
    }
}

#[test]
fn the_terminals_cursor_is_hidden_where_nothing_is_typed() {
    for keys in ["", "?", "v", "2"] {
        let mut tui = tui((80, 24), "permission");
        tui.keys(keys);
        assert_eq!(tui.cursor(), None, "{keys:?}");
    }
}
