//! The terminal's ground, and whether our colours can be read on it.
//!
//! Owns how light a ground is, which theme goes with it, and the contrast that every text has
//! (WCAG 2: 4.5 to 1). A theme is made for dark or for light grounds. On any other, and where the
//! terminal does not say what it has, the theme's own ground is painted: that is readable everywhere,
//! however little is known. Pure.

use ratatui::buffer::Buffer;
use ratatui::style::Color;

use super::theme::Theme;

/// The least contrast between a text and what is behind it.
pub const MIN_CONTRAST: f64 = 4.5;
/// The lightest ground that counts as dark, as luminance in thousandths.
const DARKEST_UP_TO: u16 = 35;
/// The darkest ground that counts as light.
const LIGHTEST_FROM: u16 = 850;
/// Grounds of at least this are nearer to white than to black, as people see them.
const MIDDLE: u16 = 180;

/// How light the terminal's ground is, as luminance in thousandths; none where nobody has said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ground(Option<u16>);

impl Ground {
    /// A black one.
    pub const DARK: Self = Self(Some(0));
    /// A white one.
    pub const LIGHT: Self = Self(Some(1_000));

    /// Of this colour.
    #[must_use]
    pub fn of([red, green, blue]: [u8; 3]) -> Self {
        let light = luminance(Color::Rgb(red, green, blue)).unwrap_or(0.0);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between 0 and 1"
        )]
        Self(Some((light * 1_000.0).round() as u16))
    }

    /// What `COLORFGBG` says of it, as `15;0`: the last number is the ground's among the sixteen.
    #[must_use]
    pub fn said(variable: Option<&str>) -> Self {
        let number = variable
            .and_then(|said| said.rsplit(';').next())
            .and_then(|number| number.trim().parse::<u8>().ok());
        match number {
            Some(7 | 9..=15) => Self::LIGHT,
            Some(_) => Self::DARK,
            None => Self(None),
        }
    }

    /// Whether anybody has said what it is.
    #[must_use]
    pub fn is_known(self) -> bool {
        self.0.is_some()
    }

    /// The theme that goes with it.
    #[must_use]
    pub fn theme(self) -> Theme {
        match self.0 {
            Some(MIDDLE..) => Theme::light(),
            Some(_) | None => Theme::dark(),
        }
    }

    /// Whether it is one of the dark ones.
    #[must_use]
    pub fn is_dark(self) -> bool {
        self.0.is_some_and(|light| light <= DARKEST_UP_TO)
    }

    /// Whether it is one of the light ones.
    #[must_use]
    pub fn is_light(self) -> bool {
        self.0.is_some_and(|light| light >= LIGHTEST_FROM)
    }

    /// Its luminance.
    #[must_use]
    pub fn luminance(self) -> Option<f64> {
        self.0.map(|light| f64::from(light) / 1_000.0)
    }

    /// Whether a theme can be read on it as it is.
    fn suits(self, theme: &Theme) -> bool {
        let Some(made_for) = theme.ground.and_then(luminance) else {
            return true;
        };
        if made_for > 0.5 {
            self.is_light()
        } else {
            self.is_dark()
        }
    }
}

/// Paints the theme's own ground behind everything, where the terminal's does not suit it.
pub fn paint(theme: &Theme, ground: Ground, buffer: &mut Buffer) {
    let Some(own) = theme.ground.filter(|_| !ground.suits(theme)) else {
        return;
    };
    let ink = theme.text.fg.unwrap_or(Color::Reset);
    for cell in &mut buffer.content {
        if cell.bg == Color::Reset {
            cell.bg = own;
        }
        if cell.fg == Color::Reset {
            cell.fg = ink;
        }
    }
}

/// How light a colour is, from 0 to 1; none of the terminal's own colours.
#[must_use]
pub fn luminance(color: Color) -> Option<f64> {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    };
    let (red, green, blue) = exact(color)?;
    Some(0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue))
}

/// The parts of a colour that is the same on all terminals.
fn exact(color: Color) -> Option<(u8, u8, u8)> {
    match color {
        Color::Rgb(red, green, blue) => Some((red, green, blue)),
        Color::Indexed(index) => super::color_depth::of_index(index),
        _ => None,
    }
}

/// The contrast of two colours of this luminance, from 1 to 21.
#[must_use]
pub fn contrast(one: f64, other: f64) -> f64 {
    let (dark, light) = (one.min(other), one.max(other));
    (light + 0.05) / (dark + 0.05)
}

/// The colour itself where it can be read on this; else one between it and white or black that can.
/// `shown` says what the terminal makes of a colour.
#[must_use]
pub fn readable(ink: Color, behind: f64, shown: impl Fn(Color) -> Color) -> Color {
    const STEPS: u16 = 16;
    let plain = shown(ink);
    let Some((red, green, blue)) = exact(ink) else {
        return plain;
    };
    let goal: u8 = if behind < 0.18 { 255 } else { 0 };
    let nearer = |step: u16| {
        let mix = |part: u8| {
            let mixed = (u16::from(part) * (STEPS - step) + u16::from(goal) * step) / STEPS;
            u8::try_from(mixed).unwrap_or(goal)
        };
        shown(Color::Rgb(mix(red), mix(green), mix(blue)))
    };
    let can_be_read = |color: &Color| {
        luminance(*color).is_none_or(|light| contrast(light, behind) >= MIN_CONTRAST)
    };
    std::iter::once(plain)
        .chain((1..=STEPS).map(nearer))
        .find(can_be_read)
        .unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

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
                (ground.theme().name, ground.is_known()),
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
            let theme = ground.theme();
            assert_eq!(
                (theme.name, ground.suits(&theme)),
                (name, suits),
                "{colour:?}"
            );
        }
    }

    #[test]
    fn contrast_is_what_everybody_means_by_it() {
        let light = |r, g, b| luminance(Color::Rgb(r, g, b)).unwrap_or(-1.0);
        for (one, other, ratio) in [
            (light(0, 0, 0), light(255, 255, 255), 21.0),
            (light(255, 0, 0), light(255, 255, 255), 4.0),
            (light(0x77, 0x77, 0x77), light(255, 255, 255), 4.48),
            (light(9, 9, 9), light(9, 9, 9), 1.0),
        ] {
            assert!((contrast(one, other) - ratio).abs() < 0.01, "{ratio}");
        }
    }
}
