//! The lines of an agent.

#[path = "../../src/claude/agent_line.rs"]
mod agent_line;
#[path = "../../src/claude/content.rs"]
mod content;
#[path = "../../src/claude/control.rs"]
pub mod control;
#[path = "../../src/claude/hooks.rs"]
mod hooks;
#[path = "../../src/claude/input.rs"]
pub mod input;
#[path = "../../src/claude/line.rs"]
pub mod line;
#[path = "../../src/claude/request.rs"]
mod request;
