//! What is known about a setting beside its values.

/// What is known about a setting beside its values.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// The key in the file; a dot stands between an object and the key in it.
    pub key: &'static str,
    /// An older name of the same key.
    pub alias: Option<&'static str>,
    /// The option on the command line.
    pub flag: Option<&'static str>,
    /// The environment variables, the first to be set wins.
    pub env: &'static [&'static str],
    /// Whether a project's own file may set it.
    pub project: bool,
    /// What it does, in a sentence.
    pub doc: &'static str,
}
