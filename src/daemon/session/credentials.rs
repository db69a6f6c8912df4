//! What to do when an agent's credentials are refused. Pure.
//!
//! A process keeps the environment that it was started with, so a key that was renewed since does not
//! help it. Called by the state machine when a turn has failed.

/// Parts of what Claude Code says when a key, a login or an account is refused, in lower case.
const REFUSED: [&str; 9] = [
    "api error: 401",
    "api error: 403",
    "authentication_error",
    "credit balance is too low",
    "failed to authenticate",
    "invalid api key",
    "oauth token has expired",
    "oauth token revoked",
    "please run /login",
];

/// What to say beside a failure that renewed credentials would mend.
pub fn advice(failure: &str, session: &str) -> Option<String> {
    let failure = failure.to_lowercase();
    REFUSED.iter().any(|part| failure.contains(part)).then(|| {
        format!(
            "This process keeps the environment that it was started with. If you have renewed your key, login or credit since, run `humanlayer restart {session}` where your new credentials are set (or “restart-session” in the dashboard), and send your message again."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refused_credentials_are_advised_on() {
        for refused in [
            "Credit balance is too low",
            "Invalid API key · Fix external API key",
            "Failed to authenticate. API Error: 401 {\"type\":\"error\"}",
            "OAuth token has expired. Please run /login",
        ] {
            let advice = advice(refused, "1a2b").unwrap_or_default();
            assert!(advice.contains("humanlayer restart 1a2b"), "{refused}");
        }
        for other in [
            "API Error: 529 overloaded",
            "error_max_turns",
            "the tests fail with 401",
        ] {
            assert_eq!(advice(other, "1a2b"), None, "{other}");
        }
    }
}
