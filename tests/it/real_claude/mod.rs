//! The real Claude Code behind the real daemon; only its model is a script.

mod approvals;
mod background;
mod costs;
mod crashes;
mod dashboard;
mod decisions;
mod failures;
mod full_disk;
mod hooks;
mod kills;
mod messages;
mod moved_directories;
mod projects;
mod scripted_model;
mod self_approval;
mod standing_permissions;
mod stream;
mod turns;

use crate::support::claude_harness::ClaudeHarness;
