//! The state machine of a session.

#[path = "../../src/daemon/session/credentials.rs"]
mod credentials;
// A link to the product's: it has modules of its own beside it, which a path here would not find.
pub mod machine;
