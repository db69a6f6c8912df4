//! A row of the table: what some programs do with some verb and some option. The rows are in files of their own.

/// What a program does with some verb and some option.
pub(super) struct Rule {
    /// The programs, parted by blanks.
    pub programs: &'static str,
    /// Its verbs in their order, parted by blanks: `a|b` is either, `a*`, `*a` and `a*b` begin and end so, and
    /// `…` stands for any words between.
    pub verbs: &'static str,
    /// Options of which one must be there; none where that does not matter.
    pub with: &'static str,
    /// Options with which it does nothing.
    pub without: &'static str,
    /// What it does then.
    pub reason: &'static str,
}

/// A rule of the table.
pub(super) const fn rule(
    programs: &'static str,
    verbs: &'static str,
    with: &'static str,
    without: &'static str,
    reason: &'static str,
) -> Rule {
    Rule {
        programs,
        verbs,
        with,
        without,
        reason,
    }
}
