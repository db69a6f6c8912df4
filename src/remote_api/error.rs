//! What can go wrong with the remote API, and whether trying again helps. Pure.

use std::time::Duration;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The address makes no sense.
    #[error(
        "{base:?} is no address of an API ({problem}); set HUMANLAYER_API_BASE or `api_base_url`"
    )]
    Base {
        /// The address.
        base: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The key cannot be sent.
    #[error(
        "the API key has characters that no key has; set HUMANLAYER_API_KEY or run `humanlayer login`"
    )]
    Key,
    /// TLS or the like cannot be set up.
    #[error("cannot set up connections to {place}: {problem}")]
    Client {
        /// The API.
        place: String,
        /// Why.
        problem: String,
    },
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// No whole answer came.
    #[error("cannot {doing}: {problem}")]
    Unreachable {
        /// What was being done.
        doing: &'static str,
        /// Why.
        problem: String,
    },
    /// The API said no.
    #[error("cannot {doing}: the API answers {status}{}", said(.words))]
    Refused {
        /// What was being done.
        doing: &'static str,
        /// The HTTP status.
        status: u16,
        /// The API's words; may be empty.
        words: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The answer makes no sense.
    #[error("cannot {doing}: the answer cannot be understood: {problem}")]
    Protocol {
        /// What was being done.
        doing: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

fn said(words: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!(" ({words})")
    }
}

/// What kind of failure it is, and so what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// It may pass: try again.
    Transient,
    /// The key or the address is wrong, until somebody puts that right: try again slowly.
    Settings,
    /// The same call will never succeed.
    Final,
}

impl ApiError {
    /// What kind of failure it is.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Unreachable { .. } | Self::Protocol { .. } => ErrorClass::Transient,
            Self::Refused { status, .. } => match status {
                401 | 403 | 300..=399 => ErrorClass::Settings,
                408 | 425 | 429 => ErrorClass::Transient,
                400..=499 => ErrorClass::Final,
                _ => ErrorClass::Transient,
            },
        }
    }

    /// How long the API wants to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Unreachable { .. } | Self::Protocol { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_say_whether_trying_again_helps() {
        let cases = [
            (302, ErrorClass::Settings),
            (400, ErrorClass::Final),
            (401, ErrorClass::Settings),
            (403, ErrorClass::Settings),
            (404, ErrorClass::Final),
            (408, ErrorClass::Transient),
            (422, ErrorClass::Final),
            (429, ErrorClass::Transient),
            (500, ErrorClass::Transient),
            (503, ErrorClass::Transient),
        ];
        for (status, trouble) in cases {
            let error = ApiError::Refused {
                doing: "try",
                status,
                words: String::new(),
                retry_after: None,
            };
            assert_eq!(error.class(), trouble, "{status}");
        }
    }
}
