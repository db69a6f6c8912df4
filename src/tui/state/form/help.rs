//! All keys, made from the keymap.

/// The form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Help {
    /// The first line shown.
    pub scroll: usize,
}
