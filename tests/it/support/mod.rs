//! What the tests share: stand-ins for what is outside, and the processes under test.

pub mod agent_process;
pub mod agent_shell;
pub mod asker;
pub mod claude_harness;
pub mod cli;
pub mod daemon;
pub mod dice;
pub mod disk;
pub mod http;
pub mod hung_directory;
pub mod mcp;
pub mod real_claude;
pub mod remote_api;
pub mod scripted_agent;
pub mod scripted_model;
pub mod terminal;
