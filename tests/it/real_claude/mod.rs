//! The real Claude Code behind the real daemon; only its model is a script.

mod alone;
mod approvals;
mod background;
mod costs;
mod crashes;
mod dashboard;
mod decisions;
mod failures;
mod full_disk;
mod hooks;
mod itself;
mod kills;
mod messages;
mod moving;
mod projects;
mod standing;
mod stream;
mod turns;

use crate::support::rig::Rig;
