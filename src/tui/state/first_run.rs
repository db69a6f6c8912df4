//! What is missing on this machine, told while there are no sessions.

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// Whether it is as it must be.
    pub good: bool,
    /// What was found.
    pub found: String,
    /// How to mend it, where it is not.
    pub mend: Option<String>,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// In the order to show.
    pub findings: Vec<Finding>,
}
