//! The vocabulary of the product: sessions, approvals, conversations, events.
//!
//! Owns pure types and pure decisions about them (which status follows, which rule applies, what a
//! text looks like once it is safe to draw). Knows no SQL, no socket, no clock of its own and no
//! other module of the crate; every other module may use it.

pub mod allow_rule;
pub mod approval;
pub mod capabilities;
pub mod conversation;
pub mod danger;
pub mod decided_by;
pub mod decision;
pub mod effect;
pub mod event;
pub mod id;
pub mod isolation;
pub mod lookalike;
pub mod origin;
pub mod permission;
pub mod project;
pub mod question;
pub mod session;
pub mod stream_state;
pub mod text;
pub mod tool;
pub mod usage;
pub mod wire_id;
pub mod workspace;

pub use approval::{Approval, Kind, Outcome, Source};
pub use capabilities::{Capabilities, Capability};
pub use conversation::{ConversationEvent, Delivery, EventType};
pub use decision::Decision;
pub use effect::{Effect, MessageSign, OutgoingLine, Question};
pub use event::{Event, EventBody, EventName};
pub use id::{ApprovalId, RunId, SessionId};
pub use origin::Origin;
pub use session::{LaunchConfig, Phase, Session, Status};
pub use tool::Tool;
pub use wire_id::{Lineage, WireId};
