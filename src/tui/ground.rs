//! The terminal's ground: what is known of how light it is. Pure.

use ratatui::style::Color;

use super::color::luminance;

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

    /// Whether people see it as light rather than dark.
    #[must_use]
    pub fn is_rather_light(self) -> bool {
        self.0.is_some_and(|light| light >= MIDDLE)
    }
}
