//! The command line as a user types it: the commands start the daemon themselves.

mod completions;
mod config;
mod daemon_commands;
mod daemon_start;
mod decisions;
mod directories;
mod doctor;
mod exit_codes;
mod follow;
mod help;
mod json;
mod launch;
mod manual;
mod messages;
mod output;
mod reading;
mod service;
mod tables;
mod verbs;
