//! Where the terminal's own cursor is while something is typed: input methods show their candidates there.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

use crate::tui::testing::{Rig, approval, session};

fn rig(size: (u16, u16)) -> Rig {
    let asked = approval("a1", "s1", json!({}));
    let sessions = [session("s1", json!({})), session("s2", json!({}))];
    Rig::new(size, &sessions, &[asked])
}

/// What stands on the row of the cursor before it.
fn before_cursor(rig: &mut Rig) -> Option<String> {
    let (end, y) = rig.cursor()?;
    let buffer = rig.buffer();
    let (mut text, mut x) = (String::new(), 0);
    while x < end {
        let symbol = buffer.cell((x, y))?.symbol();
        text.push_str(symbol);
        // The second cell of a wide character is not shown.
        x += u16::try_from(symbol.width().max(1)).unwrap();
    }
    Some(text)
}

#[test]
fn the_terminals_cursor_is_behind_what_was_typed_in_every_field() {
    for size in [(80, 24), (140, 40)] {
        for (keys, field) in [
            ("n", "reason of a denial"),
            ("e", "edited input"),
            (":", "palette"),
            ("2 /", "filter of the sessions"),
            ("1 /", "filter of the inbox"),
            ("C", "form of a new session"),
            ("c", "prompt line"),
            ("r", "reply"),
            ("S", "search of everything"),
            ("? /", "search of the keys"),
        ] {
            let mut rig = rig(size);
            let _ = rig.keys(keys);
            rig.type_in("ab漢");
            let before = before_cursor(&mut rig);
            let before = before.unwrap_or_else(|| "no cursor".to_owned());
            assert!(before.ends_with("ab漢"), "{field} at {size:?}: {before:?}");
            let _ = rig.keys("left left");
            if !field.starts_with("filter") {
                let before = before_cursor(&mut rig).unwrap();
                assert!(before.ends_with('a'), "{field} at {size:?}: {before:?}");
            }
        }
    }
}

#[test]
fn the_terminals_cursor_is_hidden_where_nothing_is_typed() {
    for keys in ["", "?", "v", "2"] {
        let mut rig = rig((80, 24));
        let _ = rig.keys(keys);
        assert_eq!(rig.cursor(), None, "{keys:?}");
    }
}
