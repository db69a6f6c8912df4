//! The dashboard as a person meets it: the real binary in a real terminal.

mod conversation;
mod decisions;
mod demo;
mod launch_and_search;
mod session_list;
mod several_dashboards;
mod shell;
mod signals;
mod slow_terminals;
mod terminals;
mod timing;
