//! How many colours the terminal has, and what becomes of ours where it has fewer.
//!
//! Themes and highlighted code name exact colours. A terminal that knows only 256 shows something
//! else for those, so each becomes the nearest that it has, just before the frame goes out. Whatever
//! lies on whatever then, as a comment on an added line of the selected row, can be read: where the
//! contrast is too low the text's colour gives way. Called by the terminal module alone.

use std::collections::HashMap;

use ratatui::buffer::Buffer;
use ratatui::style::Color;

use super::color::{LEVELS, luminance, readable};
use super::ground::Ground;

/// How many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorDepth {
    /// Every one.
    Exact,
    /// The 256 of xterm.
    Indexed,
}

impl ColorDepth {
    /// What the terminal says of itself in the environment.
    #[must_use]
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let says = |name: &str, words: &[&str]| {
            variable(name)
                .is_some_and(|value| words.iter().any(|word| value.to_lowercase().contains(word)))
        };
        let exact = says("COLORTERM", &["truecolor", "24bit"])
            || says(
                "TERM",
                &[
                    "direct",
                    "truecolor",
                    "kitty",
                    "ghostty",
                    "alacritty",
                    "wezterm",
                    "foot",
                ],
            );
        if exact { Self::Exact } else { Self::Indexed }
    }

    /// Replaces the colours of a frame by those that there are, and by those that can be read on this
    /// ground.
    pub fn reduce(self, ground: Ground, buffer: &mut Buffer) {
        let shown = |color| match self {
            Self::Exact => color,
            Self::Indexed => nearest(color),
        };
        let mut inks: HashMap<(Color, Color), Color> = HashMap::new();
        for cell in &mut buffer.content {
            cell.bg = shown(cell.bg);
            cell.underline_color = shown(cell.underline_color);
            let ink = inks.entry((cell.fg, cell.bg)).or_insert_with(|| {
                let behind = match cell.bg {
                    Color::Reset => ground.luminance(),
                    color => luminance(color),
                };
                behind.map_or_else(|| shown(cell.fg), |behind| readable(cell.fg, behind, shown))
            });
            // Frames and shades are no text.
            cell.fg = match cell.symbol().chars().next() {
                Some('\u{2500}'..='\u{259f}') => shown(cell.fg),
                _ => *ink,
            };
        }
    }
}

fn nearest(color: Color) -> Color {
    let Color::Rgb(r, g, b) = color else {
        return color;
    };
    let near = |part: u8| {
        let far = |level: &u8| level.abs_diff(part);
        LEVELS
            .iter()
            .enumerate()
            .min_by_key(|(_, level)| far(level))
            .map_or((0, 0), |(index, level)| {
                (u8::try_from(index).unwrap_or(0), *level)
            })
    };
    let (cube_r, cube_g, cube_b) = (near(r), near(g), near(b));
    let cube = (cube_r.1, cube_g.1, cube_b.1);
    let cube_index = 16 + 36 * cube_r.0 + 6 * cube_g.0 + cube_b.0;
    // Beside the cube there are 24 greys: 8, 18 … 238.
    let mean = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
    let step = (mean.saturating_sub(3) / 10).min(23);
    let grey_level = u8::try_from(8 + 10 * step).unwrap_or(u8::MAX);
    let grey = (grey_level, grey_level, grey_level);
    let far = |(x, y, z): (u8, u8, u8)| {
        [(x, r), (y, g), (z, b)]
            .into_iter()
            .map(|(there, here)| u32::from(there.abs_diff(here)).pow(2))
            .sum::<u32>()
    };
    // A grey is often the nearest to a dark ground, but whether that is green or red is its meaning.
    let (least, most) = (r.min(g).min(b), r.max(g).max(b));
    let tinted = u16::from(most - least) * 5 >= u16::from(most) * 2;
    let cube_is_grey = cube.0 == cube.1 && cube.1 == cube.2;
    if far(grey) < far(cube) && (cube_is_grey || !tinted) {
        Color::Indexed(232 + u8::try_from(step).unwrap_or(0))
    } else {
        Color::Indexed(cube_index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(variables: &[(&str, &str)]) -> ColorDepth {
        ColorDepth::of(|name| {
            variables
                .iter()
                .find(|(other, _)| *other == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_terminal_says_how_many_it_has() {
        assert_eq!(depth(&[("COLORTERM", "truecolor")]), ColorDepth::Exact);
        assert_eq!(depth(&[("TERM", "xterm-kitty")]), ColorDepth::Exact);
        assert_eq!(depth(&[("TERM", "xterm-256color")]), ColorDepth::Indexed);
        assert_eq!(depth(&[]), ColorDepth::Indexed);
    }

    #[test]
    fn the_nearest_is_taken_and_what_is_no_exact_colour_stays() {
        let cases = [
            (Color::Rgb(0, 0, 0), Color::Indexed(16)),
            (Color::Rgb(255, 255, 255), Color::Indexed(231)),
            (Color::Rgb(255, 0, 0), Color::Indexed(196)),
            (Color::Rgb(0x1b, 0x20, 0x2a), Color::Indexed(235)),
            (Color::Rgb(0x2f, 0x38, 0x4a), Color::Indexed(237)),
            (Color::Rgb(0x1d, 0x33, 0x24), Color::Indexed(22)),
            (Color::Rgb(128, 128, 128), Color::Indexed(244)),
            (Color::Red, Color::Red),
            (Color::Reset, Color::Reset),
        ];
        for (color, expected) in cases {
            assert_eq!(nearest(color), expected, "{color:?}");
        }
    }

    #[test]
    fn dark_grounds_of_added_and_removed_lines_stay_apart() {
        let theme = crate::tui::theme::Theme::dark();
        let ground = |style: ratatui::style::Style| style.bg.map(nearest);
        assert_ne!(ground(theme.added), ground(theme.removed));
        assert_ne!(ground(theme.added), ground(theme.added_word));
        assert_ne!(ground(theme.removed), ground(theme.removed_word));
    }
}
