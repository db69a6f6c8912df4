//! Every theme on a real screen: what must be told apart is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use serde_json::json;

use crate::tui::color::{self, MIN_CONTRAST, contrast, luminance};
use crate::tui::color_depth::ColorDepth;
use crate::tui::ground::Ground;
use crate::tui::testing::{TuiHarness, approval, session};
use crate::tui::theme::{NAMES, Theme};

fn screen(name: &str) -> TuiHarness {
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
    let mut tui = TuiHarness::new((140, 40), &sessions, &asked);
    tui.app.theme = Theme::named(name).unwrap().on(tui.app.ground);
    tui.draw();
    tui
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
        let mut tui = screen(name);
        let buffer = tui.buffer();
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
        tui.keys("1 j");
        let (warned, said) = (
            look(tui.buffer(), " !  deletes"),
            look(tui.buffer(), "$ rm -rf"),
        );
        assert_ne!((warned.1, warned.2), (said.1, said.2), "{name}: danger");
    }
}

#[test]
fn without_colour_the_whole_screen_has_none() {
    let mut tui = screen("mono");
    for keys in ["", "1 j", "n", "esc ?", "esc :", "esc 2"] {
        tui.keys(keys);
        for cell in tui.buffer().content() {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{cell:?}");
        }
    }
}

#[test]
fn the_terminals_own_palette_names_no_exact_colour() {
    let mut tui = screen("terminal");
    for keys in ["", "1 j", "n", "esc ?", "esc :", "esc 2"] {
        tui.keys(keys);
        for cell in tui.buffer().content() {
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
        let tui = screen(name);
        let buffer = tui.buffer();
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

/// The sixteen colours as xterm has them; others may be anything.
fn sixteen(color: Color) -> Option<(u8, u8, u8)> {
    Some(match color {
        Color::Black => (0, 0, 0),
        Color::Red => (0xcd, 0, 0),
        Color::Green => (0, 0xcd, 0),
        Color::Yellow => (0xcd, 0xcd, 0),
        Color::Blue => (0, 0, 0xee),
        Color::Magenta => (0xcd, 0, 0xcd),
        Color::Cyan => (0, 0xcd, 0xcd),
        Color::Gray => (0xe5, 0xe5, 0xe5),
        Color::DarkGray => (0x7f, 0x7f, 0x7f),
        Color::LightRed => (0xff, 0, 0),
        Color::LightGreen => (0, 0xff, 0),
        Color::LightYellow => (0xff, 0xff, 0),
        Color::LightBlue => (0x5c, 0x5c, 0xff),
        Color::LightMagenta => (0xff, 0, 0xff),
        Color::LightCyan => (0, 0xff, 0xff),
        Color::White => (0xff, 0xff, 0xff),
        _ => return None,
    })
}

/// A terminal: its ground, and the ink of words that have no colour.
#[derive(Clone, Copy, Debug)]
struct Paper {
    ground: [u8; 3],
    ink: [u8; 3],
    /// Whether it says which ground that is.
    says: bool,
}

fn papers() -> Vec<Paper> {
    let (black, white) = ([0; 3], [0xff; 3]);
    // The lightest that counts as dark, the darkest that counts as light, and what is neither.
    let grounds = [
        (black, white),
        ([0x34; 3], white),
        (white, black),
        ([0xee; 3], black),
        ([0x60; 3], white),
        ([0xc8; 3], black),
    ];
    grounds
        .into_iter()
        .flat_map(|(ground, ink)| [true, false].map(|says| Paper { ground, ink, says }))
        .collect()
}

/// The contrast of a cell's text on this paper.
fn of_cell(cell: &Cell, paper: Paper) -> f64 {
    let light = |color: Color, reset: [u8; 3]| {
        let [r, g, b] = match (color, sixteen(color)) {
            (Color::Reset, _) => reset,
            (_, Some((r, g, b))) => [r, g, b],
            (color, None) => return luminance(color).unwrap(),
        };
        luminance(Color::Rgb(r, g, b)).unwrap()
    };
    let mut ink = light(cell.fg, paper.ink);
    // As most terminals draw it: two thirds of the intensity.
    if cell.modifier.contains(Modifier::DIM) && cell.fg == Color::Reset {
        let [r, g, b] = paper.ink.map(|part| part / 3 * 2);
        ink = luminance(Color::Rgb(r, g, b)).unwrap();
    }
    contrast(ink, light(cell.bg, paper.ground))
}

fn is_text(cell: &Cell) -> bool {
    let symbol = cell.symbol();
    // Frames, shades and bars are no text.
    !symbol.trim().is_empty() && !symbol.starts_with(|c| ('\u{2500}'..='\u{259f}').contains(&c))
}

/// Everything that is drawn can be read: each style alone and on the selected row, the status line and changed
/// lines, in every theme, on every ground, whether the terminal says which it is or not, with all colours or
/// with 256.
#[test]
fn every_text_has_a_contrast_of_at_least_4_5_on_every_ground() {
    let mut seen = 0;
    for (name, paper) in NAMES
        .iter()
        .flat_map(|name| papers().into_iter().map(move |paper| (*name, paper)))
    {
        // These take the ground and the ink that the terminal has; both of a user's own making.
        let is_own = ["terminal", "mono"].contains(&name);
        if is_own && contrast_of(paper) < 20.0 {
            continue;
        }
        let ground = if paper.says {
            Ground::of(paper.ground)
        } else {
            Ground::default()
        };
        let mut tui = screen(name);
        tui.app.set_ground(ground);
        tui.draw();
        for keys in ["", "1 j", "n", "esc :", "esc 2 v", "esc C"] {
            tui.keys(keys);
            for depth in [ColorDepth::Exact, ColorDepth::Indexed] {
                let mut buffer = tui.buffer().clone();
                depth.reduce(ground, &mut buffer);
                for cell in buffer.content().iter().filter(|cell| is_text(cell)) {
                    let ratio = of_cell(cell, paper);
                    assert!(
                        ratio >= MIN_CONTRAST,
                        "{ratio:.2}: {name} {depth:?} {keys:?} {paper:?} {cell:?}"
                    );
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 100_000, "{seen}");
}

fn contrast_of(paper: Paper) -> f64 {
    let cell = Cell::default();
    of_cell(&cell, paper)
}

/// The styles themselves, so that none needs to give way on the ground that its theme is for.
#[test]
fn every_style_of_a_theme_can_be_read_on_the_ground_that_it_is_for() {
    let grounds = [
        ("dark", [0; 3]),
        ("dark", [0x34; 3]),
        ("contrast", [0; 3]),
        ("contrast", [0x34; 3]),
        ("light", [0xff; 3]),
        ("light", [0xee; 3]),
        ("terminal", [0; 3]),
        ("terminal", [0xff; 3]),
    ];
    for (name, ground) in grounds {
        let theme = Theme::named(name).unwrap().on(Ground::of(ground));
        let ink = if ground[0] < 0x80 { [0xff; 3] } else { [0; 3] };
        let paper = Paper {
            ground,
            ink,
            says: true,
        };
        for (which, style) in [
            ("text", theme.text),
            ("dim", theme.dim),
            ("heading", theme.heading),
            ("accent", theme.accent),
            ("selected", theme.text.patch(theme.selected)),
            ("selected_idle", theme.text.patch(theme.selected_idle)),
            ("waiting", theme.waiting),
            ("working", theme.working),
            ("good", theme.good),
            ("bad", theme.bad),
            ("danger", theme.danger),
            ("user", theme.user),
            ("thinking", theme.thinking),
            ("tool", theme.tool),
            ("code", theme.code),
            ("added", theme.text.patch(theme.added)),
            ("added_word", theme.text.patch(theme.added_word)),
            ("removed", theme.text.patch(theme.removed)),
            ("removed_word", theme.text.patch(theme.removed_word)),
            ("link", theme.link),
            ("key", theme.key),
            ("matched", theme.matched),
            ("unmasked", theme.unmasked),
            ("bar", theme.bar),
        ] {
            let mut cell = Cell::new("x");
            cell.set_style(style);
            let ratio = of_cell(&cell, paper);
            assert!(
                ratio >= MIN_CONTRAST,
                "{ratio:.2}: {which} of {name} on {ground:?}"
            );
        }
    }
    assert_eq!(color::of_index(231), Some((255, 255, 255)));
    assert_eq!(color::of_index(16 + 36 + 6 * 2 + 3), Some((95, 135, 175)));
}
