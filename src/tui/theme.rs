//! The looks: every colour and emphasis of the dashboard by what it means.
//!
//! Owns the named styles and the built-in themes. Views take styles from here and never name a
//! colour themselves, so a theme is complete and `NO_COLOR` is one more theme: without any colour,
//! meaning is carried by words, marks and emphasis, which all themes keep. Must not know the state.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use super::color::luminance;
use super::ground::Ground;

/// The names of the themes, as the configuration file and the palette have them.
pub const NAMES: [&str; 5] = ["dark", "light", "contrast", "terminal", "mono"];

/// Which colours code is highlighted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// Colours for a dark ground.
    Dark,
    /// Colours for a light ground.
    Light,
    /// The terminal's own sixteen colours.
    Terminal,
    /// None at all.
    Off,
}

/// Every style, by meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Its name in [`NAMES`].
    pub name: &'static str,
    /// Ordinary words.
    pub text: Style,
    /// What matters less: ages, ids, hints.
    pub dim: Style,
    /// Headings of panes and of Markdown.
    pub heading: Style,
    /// What one looks for first: the product's own colour.
    pub accent: Style,
    /// A pane's frame.
    pub border: Style,
    /// The frame of the pane that keys go to.
    pub border_focus: Style,
    /// The selected row.
    pub selected: Style,
    /// The selected row of a pane that keys do not go to.
    pub selected_idle: Style,
    /// Something a person must decide.
    pub waiting: Style,
    /// Something at work.
    pub working: Style,
    /// Something that ended well, or a yes.
    pub good: Style,
    /// Something that ended badly, or a no.
    pub bad: Style,
    /// What can do harm.
    pub danger: Style,
    /// What a person said.
    pub user: Style,
    /// The agent's thinking.
    pub thinking: Style,
    /// The name of a tool.
    pub tool: Style,
    /// Code within a line.
    pub code: Style,
    /// An added line.
    pub added: Style,
    /// The part of an added line that differs.
    pub added_word: Style,
    /// A removed line.
    pub removed: Style,
    /// The part of a removed line that differs.
    pub removed_word: Style,
    /// An address.
    pub link: Style,
    /// A key in a hint.
    pub key: Style,
    /// A match of a filter or a search.
    pub matched: Style,
    /// A character that is not what it seems, shown as what it is.
    pub unmasked: Style,
    /// The status line.
    pub bar: Style,
    /// The ground that it is made for, which is painted where the terminal has another; none where it
    /// takes whatever there is.
    pub ground: Option<Color>,
    /// How code is highlighted.
    pub syntax: Syntax,
}

impl Theme {
    /// The theme that goes with a ground.
    #[must_use]
    pub fn of_ground(ground: Ground) -> Self {
        match ground.is_rather_light() {
            true => Self::light(),
            false => Self::dark(),
        }
    }

    /// Whether it can be read on a ground as that is. A theme is made for dark or for light grounds.
    fn suits(&self, ground: Ground) -> bool {
        let Some(made_for) = self.ground.and_then(luminance) else {
            return true;
        };
        if made_for > 0.5 {
            ground.is_light()
        } else {
            ground.is_dark()
        }
    }

    /// Paints its own ground behind everything where the terminal's does not suit it, or is not known: that is
    /// readable everywhere.
    pub fn paint_ground(&self, ground: Ground, buffer: &mut Buffer) {
        let Some(own) = self.ground.filter(|_| !self.suits(ground)) else {
            return;
        };
        let ink = self.text.fg.unwrap_or(Color::Reset);
        for cell in &mut buffer.content {
            if cell.bg == Color::Reset {
                cell.bg = own;
            }
            if cell.fg == Color::Reset {
                cell.fg = ink;
            }
        }
    }

    /// The theme of that name; none if there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "dark" => Some(Self::dark()),
            "light" => Some(Self::light()),
            "contrast" => Some(Self::contrast()),
            "terminal" => Some(Self::terminal(Ground::default())),
            "mono" => Some(Self::mono()),
            _ => None,
        }
    }

    /// The theme as it is on this ground: the terminal's own colours are others on another.
    #[must_use]
    pub fn on(self, ground: Ground) -> Self {
        match self.name {
            "terminal" => Self::terminal(ground),
            _ => self,
        }
    }

    /// For a dark ground.
    #[must_use]
    pub fn dark() -> Self {
        Self::of(&Colors {
            name: "dark",
            ground: Color::Rgb(0x16, 0x18, 0x1d),
            text: Color::Rgb(0xd8, 0xde, 0xe9),
            dim: Color::Rgb(0x9b, 0xa4, 0xb5),
            accent: Color::Rgb(0xe8, 0x9b, 0x5a),
            heading: Color::Rgb(0xea, 0xee, 0xf5),
            border: Color::Rgb(0x3f, 0x47, 0x57),
            selected_bg: Color::Rgb(0x2f, 0x38, 0x4a),
            idle_bg: Color::Rgb(0x23, 0x29, 0x35),
            yellow: Color::Rgb(0xf0, 0xc6, 0x74),
            blue: Color::Rgb(0x81, 0xa9, 0xe0),
            green: Color::Rgb(0x9c, 0xc9, 0x7f),
            red: Color::Rgb(0xf0, 0x8a, 0x90),
            violet: Color::Rgb(0xc3, 0x9a, 0xd8),
            cyan: Color::Rgb(0x7f, 0xc8, 0xc2),
            added_bg: Color::Rgb(0x1d, 0x33, 0x24),
            added_word_bg: Color::Rgb(0x2c, 0x55, 0x38),
            removed_bg: Color::Rgb(0x3a, 0x20, 0x25),
            removed_word_bg: Color::Rgb(0x66, 0x2b, 0x35),
            bar_bg: Color::Rgb(0x1b, 0x20, 0x2a),
            on_strong: Color::Rgb(0x12, 0x15, 0x1b),
            syntax: Syntax::Dark,
        })
    }

    /// For a light ground.
    #[must_use]
    pub fn light() -> Self {
        Self::of(&Colors {
            name: "light",
            ground: Color::Rgb(0xff, 0xff, 0xff),
            text: Color::Rgb(0x2b, 0x30, 0x3b),
            dim: Color::Rgb(0x5c, 0x64, 0x74),
            accent: Color::Rgb(0x9a, 0x4a, 0x08),
            heading: Color::Rgb(0x10, 0x14, 0x1c),
            border: Color::Rgb(0xbf, 0xc5, 0xd2),
            selected_bg: Color::Rgb(0xd5, 0xe1, 0xf5),
            idle_bg: Color::Rgb(0xe8, 0xec, 0xf3),
            yellow: Color::Rgb(0x7d, 0x54, 0x00),
            blue: Color::Rgb(0x1f, 0x5f, 0xb8),
            green: Color::Rgb(0x23, 0x6b, 0x2a),
            red: Color::Rgb(0xb0, 0x20, 0x30),
            violet: Color::Rgb(0x7d, 0x3c, 0x9e),
            cyan: Color::Rgb(0x0b, 0x66, 0x6a),
            added_bg: Color::Rgb(0xdf, 0xf3, 0xe0),
            added_word_bg: Color::Rgb(0xb0, 0xe2, 0xb5),
            removed_bg: Color::Rgb(0xfb, 0xe3, 0xe4),
            removed_word_bg: Color::Rgb(0xf4, 0xbc, 0xc0),
            bar_bg: Color::Rgb(0xe3, 0xe7, 0xef),
            on_strong: Color::Rgb(0xff, 0xff, 0xff),
            syntax: Syntax::Light,
        })
    }

    /// The strongest differences that a dark ground allows.
    #[must_use]
    pub fn contrast() -> Self {
        let mut theme = Self::of(&Colors {
            name: "contrast",
            ground: Color::Rgb(0x00, 0x00, 0x00),
            text: Color::Rgb(0xff, 0xff, 0xff),
            dim: Color::Rgb(0xd0, 0xd0, 0xd0),
            accent: Color::Rgb(0xff, 0xb0, 0x00),
            heading: Color::Rgb(0xff, 0xff, 0xff),
            border: Color::Rgb(0xa0, 0xa0, 0xa0),
            selected_bg: Color::Rgb(0x00, 0x3f, 0xa8),
            idle_bg: Color::Rgb(0x30, 0x30, 0x30),
            yellow: Color::Rgb(0xff, 0xff, 0x00),
            blue: Color::Rgb(0x6c, 0xc0, 0xff),
            green: Color::Rgb(0x3c, 0xff, 0x6c),
            red: Color::Rgb(0xff, 0x78, 0x78),
            violet: Color::Rgb(0xff, 0x9c, 0xff),
            cyan: Color::Rgb(0x3c, 0xff, 0xff),
            added_bg: Color::Rgb(0x00, 0x38, 0x00),
            added_word_bg: Color::Rgb(0x00, 0x78, 0x00),
            removed_bg: Color::Rgb(0x48, 0x00, 0x00),
            removed_word_bg: Color::Rgb(0x98, 0x00, 0x00),
            bar_bg: Color::Rgb(0x00, 0x00, 0x00),
            on_strong: Color::Rgb(0x00, 0x00, 0x00),
            syntax: Syntax::Dark,
        });
        theme.selected = theme.selected.add_modifier(Modifier::BOLD);
        theme
    }

    /// The terminal's own palette: whatever its user made of the sixteen colours. Which of them can be
    /// read depends on the ground, as xterm has them. None can on every ground: where it is not known
    /// words have no colour at all.
    #[must_use]
    pub fn terminal(ground: Ground) -> Self {
        let (theme, good, bad, danger) = if ground.is_dark() {
            let palette = Sixteen {
                dim: Color::DarkGray,
                accent: Color::Yellow,
                yellow: Color::Yellow,
                blue: Color::Cyan,
                green: Color::Green,
                red: Color::LightRed,
                violet: Color::LightMagenta,
                cyan: Color::LightCyan,
            };
            let danger = Style::new().fg(Color::Black).bg(Color::LightRed);
            (palette.theme(), Color::Green, Color::LightRed, danger)
        } else if ground.is_light() {
            let palette = Sixteen {
                // No grey is dark enough.
                dim: Color::Reset,
                accent: Color::Blue,
                yellow: Color::Magenta,
                blue: Color::Blue,
                // Nor is any green.
                green: Color::Blue,
                red: Color::Red,
                violet: Color::Magenta,
                cyan: Color::Blue,
            };
            let mut theme = palette.theme();
            theme.dim = Style::new().add_modifier(Modifier::DIM);
            theme.border = theme.dim;
            theme.thinking = theme.dim.add_modifier(Modifier::ITALIC);
            let danger = Style::new().fg(Color::White).bg(Color::Red);
            (theme, Color::Blue, Color::Red, danger)
        } else {
            let danger = Style::new().fg(Color::White).bg(Color::Red);
            (Self::mono(), Color::Reset, Color::Reset, danger)
        };
        // A ground of one's own could be any colour beside theirs; these two always show.
        let reversed = Style::new().add_modifier(Modifier::REVERSED);
        Self {
            name: "terminal",
            ground: None,
            syntax: match ground.is_dark() || ground.is_light() {
                true => Syntax::Terminal,
                false => Syntax::Off,
            },
            selected: reversed,
            selected_idle: Style::new().add_modifier(Modifier::BOLD),
            danger: danger.add_modifier(Modifier::BOLD),
            unmasked: Style::new().fg(Color::Black).bg(Color::Yellow),
            added: Style::new().fg(good),
            removed: Style::new().fg(bad),
            added_word: Style::new().fg(good).add_modifier(Modifier::REVERSED),
            removed_word: Style::new().fg(bad).add_modifier(Modifier::REVERSED),
            bar: reversed,
            ..theme
        }
    }

    /// No colour at all, as `NO_COLOR` asks for.
    #[must_use]
    pub fn mono() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let reversed = plain.add_modifier(Modifier::REVERSED);
        let dim = plain.add_modifier(Modifier::DIM);
        let underlined = plain.add_modifier(Modifier::UNDERLINED);
        Self {
            name: "mono",
            text: plain,
            dim,
            heading: bold,
            accent: bold,
            border: dim,
            border_focus: bold,
            selected: reversed,
            selected_idle: bold,
            waiting: bold,
            working: plain,
            good: plain,
            bad: bold,
            danger: reversed.add_modifier(Modifier::BOLD),
            user: bold,
            thinking: plain.add_modifier(Modifier::ITALIC),
            tool: bold,
            code: underlined,
            added: plain,
            added_word: bold,
            removed: dim,
            removed_word: bold,
            link: underlined,
            key: bold,
            matched: underlined,
            unmasked: reversed,
            bar: reversed,
            ground: None,
            syntax: Syntax::Off,
        }
    }

    fn of(palette: &Colors) -> Self {
        let fg = |color| Style::new().fg(color);
        let bold = |color| fg(color).add_modifier(Modifier::BOLD);
        Self {
            name: palette.name,
            text: fg(palette.text),
            dim: fg(palette.dim),
            heading: bold(palette.heading),
            accent: bold(palette.accent),
            border: fg(palette.border),
            border_focus: fg(palette.accent),
            selected: Style::new().bg(palette.selected_bg),
            selected_idle: Style::new().bg(palette.idle_bg),
            waiting: bold(palette.yellow),
            working: fg(palette.blue),
            good: fg(palette.green),
            bad: fg(palette.red),
            danger: Style::new()
                .fg(palette.on_strong)
                .bg(palette.red)
                .add_modifier(Modifier::BOLD),
            user: bold(palette.cyan),
            thinking: fg(palette.dim).add_modifier(Modifier::ITALIC),
            tool: bold(palette.violet),
            code: fg(palette.cyan),
            added: Style::new().bg(palette.added_bg),
            added_word: Style::new().bg(palette.added_word_bg),
            removed: Style::new().bg(palette.removed_bg),
            removed_word: Style::new().bg(palette.removed_word_bg),
            link: fg(palette.blue).add_modifier(Modifier::UNDERLINED),
            key: bold(palette.accent),
            matched: bold(palette.accent).add_modifier(Modifier::UNDERLINED),
            unmasked: Style::new().fg(palette.on_strong).bg(palette.yellow),
            bar: fg(palette.text).bg(palette.bar_bg),
            ground: Some(palette.ground),
            syntax: palette.syntax,
        }
    }
}

/// Some of the sixteen colours.
struct Sixteen {
    dim: Color,
    accent: Color,
    yellow: Color,
    blue: Color,
    green: Color,
    red: Color,
    violet: Color,
    cyan: Color,
}

impl Sixteen {
    fn theme(self) -> Theme {
        Theme::of(&Colors {
            name: "terminal",
            ground: Color::Reset,
            text: Color::Reset,
            dim: self.dim,
            accent: self.accent,
            heading: Color::Reset,
            border: Color::DarkGray,
            selected_bg: Color::Reset,
            idle_bg: Color::Reset,
            yellow: self.yellow,
            blue: self.blue,
            green: self.green,
            red: self.red,
            violet: self.violet,
            cyan: self.cyan,
            added_bg: Color::Reset,
            added_word_bg: Color::Reset,
            removed_bg: Color::Reset,
            removed_word_bg: Color::Reset,
            bar_bg: Color::Reset,
            on_strong: Color::Black,
            syntax: Syntax::Terminal,
        })
    }
}

struct Colors {
    name: &'static str,
    ground: Color,
    text: Color,
    dim: Color,
    accent: Color,
    heading: Color,
    border: Color,
    selected_bg: Color,
    idle_bg: Color,
    yellow: Color,
    blue: Color,
    green: Color,
    red: Color,
    violet: Color,
    cyan: Color,
    added_bg: Color,
    added_word_bg: Color,
    removed_bg: Color,
    removed_word_bg: Color,
    bar_bg: Color,
    on_strong: Color,
    syntax: Syntax,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn every_name_has_its_theme() {
        for name in NAMES {
            assert_eq!(Theme::named(name).unwrap().name, name);
        }
        assert_eq!(Theme::named("pink"), None);
    }

    #[test]
    fn without_colour_there_is_none() {
        let shown = format!("{:?}", Theme::mono());
        for part in ["fg(", "bg(", "Rgb", "Indexed"] {
            assert!(!shown.contains(part), "{part} in {shown}");
        }
    }

    #[test]
    fn the_ground_chooses_the_theme_where_it_is_known() {
        let cases = [
            (None, "dark", false),
            (Some("15;0"), "dark", true),
            (Some("0;15"), "light", true),
            (Some("0;default;15"), "light", true),
            (Some("0;7"), "light", true),
            (Some("15;8"), "dark", true),
            (Some("default;default"), "dark", false),
        ];
        for (said, name, is_known) in cases {
            let ground = Ground::said(said);
            assert_eq!(
                (Theme::of_ground(ground).name, ground.is_known()),
                (name, is_known),
                "{said:?}"
            );
        }
        for (colour, name, suits) in [
            ([0, 0, 0], "dark", true),
            // Those of well-known themes.
            ([0x28, 0x2a, 0x36], "dark", true),
            ([0x2e, 0x34, 0x40], "dark", true),
            ([0x00, 0x2b, 0x36], "dark", true),
            ([0xfd, 0xf6, 0xe3], "light", true),
            ([0xff, 0xff, 0xff], "light", true),
            // On these nothing of ours can be read: ours is painted.
            ([0x55, 0x55, 0x55], "dark", false),
            ([0x90, 0x90, 0x90], "light", false),
            ([0xd0, 0xd0, 0xd0], "light", false),
        ] {
            let ground = Ground::of(colour);
            let theme = Theme::of_ground(ground);
            assert_eq!(
                (theme.name, theme.suits(ground)),
                (name, suits),
                "{colour:?}"
            );
        }
    }
}
