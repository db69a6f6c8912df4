//! Every theme on a real screen: what must be told apart is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use serde_json::json;

use crate::tui::testing::{Rig, approval, session};
use crate::tui::theme::{NAMES, Theme};

fn screen(name: &str) -> Rig {
    let sessions = [
        session("s1", json!({"title": "first", "status": "waiting_input"})),
        session("s2", json!({"title": "second"})),
        session("s3", json!({"title": "third", "status": "failed"})),
    ];
    let asked = [
        approval(
            "a1",
            "s1",
            json!({"tool_name": "Edit", "tool_input": {"file_path": "/home/me/src/api/a.rs",
                "old_string": "let port = 80;", "new_string": "let port = 8080;"}}),
        ),
        approval(
            "a2",
            "s1",
            json!({"tool_input": {"command": "rm -rf /srv/build"}}),
        ),
    ];
    let mut rig = Rig::new((140, 40), &sessions, &asked);
    rig.app.theme = Theme::named(name).unwrap();
    rig.draw();
    rig
}

/// The look of the first letter of a text on the screen.
fn look(buffer: &Buffer, text: &str) -> (Color, Color, Modifier) {
    let width = usize::from(buffer.area.width);
    let rows = buffer.content().chunks(width);
    for row in rows {
        let line: String = row.iter().map(Cell::symbol).collect();
        if let Some(at) = line.find(text) {
            let column = line[..at].chars().count();
            let cell = &row[column];
            return (cell.fg, cell.bg, cell.modifier);
        }
    }
    panic!("{text:?} is not on the screen");
}

#[test]
fn what_must_be_told_apart_is() {
    for name in NAMES {
        let mut rig = screen(name);
        let buffer = rig.buffer();
        let ground = |text: &str| {
            let (_, bg, modifier) = look(buffer, text);
            (bg, modifier)
        };
        // The selected session against another one.
        assert_ne!(ground("first"), ground("second"), "{name}: selection");
        assert_ne!(
            look(buffer, "Failed"),
            look(buffer, "Running"),
            "{name}: groups"
        );
        // What is added against what is removed: by the sign in any case, by its look in colour.
        if name != "mono" {
            let (removed, added) = ("let port = 80;", "let port = 8080;");
            assert_ne!(look(buffer, removed), look(buffer, added), "{name}: diff");
        }
        let _ = rig.keys("1 j");
        let (warned, said) = (
            look(rig.buffer(), " !  deletes"),
            look(rig.buffer(), "$ rm -rf"),
        );
        assert_ne!((warned.1, warned.2), (said.1, said.2), "{name}: danger");
    }
}

#[test]
fn without_colour_the_whole_screen_has_none() {
    let mut rig = screen("mono");
    for keys in ["", "1 j", "n", "esc ?", "esc :", "esc 2"] {
        let _ = rig.keys(keys);
        for cell in rig.buffer().content() {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{cell:?}");
        }
    }
}

#[test]
fn the_terminals_own_palette_names_no_exact_colour() {
    let mut rig = screen("terminal");
    for keys in ["", "1 j", "n", "esc ?", "esc :", "esc 2"] {
        let _ = rig.keys(keys);
        for cell in rig.buffer().content() {
            for color in [cell.fg, cell.bg] {
                assert!(
                    !matches!(color, Color::Rgb(..) | Color::Indexed(_)),
                    "{cell:?}"
                );
            }
        }
    }
}

#[test]
fn a_reversed_row_is_no_patchwork() {
    for name in ["terminal", "mono"] {
        let rig = screen(name);
        let buffer = rig.buffer();
        let width = usize::from(buffer.area.width);
        let rows = buffer.content().chunks(width);
        let reversed = |cell: &&Cell| cell.modifier.contains(Modifier::REVERSED);
        let rows: Vec<&[Cell]> = rows
            .filter(|row| row.iter().filter(reversed).count() > 20)
            .collect();
        // The selected session and the status line.
        assert!(rows.len() >= 2, "{name}");
        for row in rows {
            let looks: std::collections::HashSet<_> = row
                .iter()
                .filter(reversed)
                .map(|cell| (cell.fg, cell.bg))
                .collect();
            assert_eq!(looks.len(), 1, "{name}: {looks:?}");
        }
    }
}
