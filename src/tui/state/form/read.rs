//! The whole of an approval, however long.

/// The form.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// The approval.
    pub approval: String,
    /// The first line shown.
    pub scroll: usize,
}
