//! Identifiers as types, so that a run id is never passed where a session id belongs.
//!
//! All are random (version 4) UUIDs in text: a time-ordered id would make the short prefixes that
//! people type ambiguous among sessions started in the same minute. Ids that other programs chose
//! are kept as they came. A clone shares the text: every event carries some of them.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// A fresh random id.
            #[must_use]
            pub fn random() -> Self {
                Self(format!(concat!($prefix, "{}"), Uuid::new_v4()).into())
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The first eight characters that tell ids apart, for people to read and type.
            #[must_use]
            pub fn short(&self) -> &str {
                let start = if self.0.starts_with($prefix) { $prefix.len() } else { 0 };
                self.0.get(start..start + 8).unwrap_or(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }
    };
}

id!(
    /// Names one session of this daemon; also the `--session-id` that its agent is started with.
    SessionId,
    ""
);
id!(
    /// Correlates requests of a session's programs (`HUMANLAYER_RUN_ID`) with the session.
    RunId,
    ""
);
id!(
    /// Names one approval. The prefix is the one that existing clients know.
    ApprovalId,
    "local-"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_skip_the_common_prefix() {
        let id = ApprovalId::from("local-0123456789");
        assert_eq!(id.short(), "01234567");
        assert_eq!(SessionId::from("abc").short(), "abc");
        assert_ne!(SessionId::random(), SessionId::random());
    }
}
