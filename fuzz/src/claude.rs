//! The lines of an agent.

#[path = "../../src/daemon/claude/content.rs"]
mod content;
#[path = "../../src/daemon/claude/control.rs"]
pub mod control;
#[path = "../../src/daemon/claude/hooks.rs"]
mod hooks;
#[path = "../../src/daemon/claude/input.rs"]
pub mod input;
#[path = "../../src/daemon/claude/line.rs"]
pub mod line;
#[path = "../../src/daemon/claude/request.rs"]
mod request;
