//! Which version the agent's program is. Pure.

/// First version whose control protocol carries approvals.
pub const FIRST_VERSION: (u32, u32) = (2, 0);

/// Major and minor version out of what `--version` prints, such as `2.1.330 (Claude Code)`.
pub fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.split_whitespace().next()?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn versions_are_read() {
        let cases = [
            ("2.1.330 (Claude Code)\n", Some((2, 1))),
            ("1.0.7", Some((1, 0))),
            ("2.1.330-beta.1 (Claude Code)", Some((2, 1))),
            ("claude", None),
            ("", None),
        ];
        for (said, expected) in cases {
            assert_eq!(version(said), expected, "{said}");
        }
        assert!(version("1.9.9").unwrap() < FIRST_VERSION);
    }
}
