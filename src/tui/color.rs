//! Colours as numbers: how light they are, how well one can be read on another, and what xterm's 256 are. Pure.

use ratatui::style::Color;

/// The least contrast between a text and what is behind it.
pub const MIN_CONTRAST: f64 = 4.5;

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
        Color::Indexed(index) => of_index(index),
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

/// The parts of a colour of xterm's 256; none of the first sixteen, which differ everywhere.
#[must_use]
pub fn of_index(index: u8) -> Option<(u8, u8, u8)> {
    match index {
        0..16 => None,
        16..232 => {
            let at = index - 16;
            let level = |part: u8| LEVELS.get(usize::from(part % 6)).copied();
            Some((level(at / 36)?, level(at / 6)?, level(at)?))
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            Some((grey, grey, grey))
        }
    }
}

/// Levels of each part of a colour in xterm's cube.
pub const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

#[cfg(test)]
mod tests {
    use super::*;

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
