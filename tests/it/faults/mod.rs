//! What goes wrong: processes killed at every step, disks that fill up, input that no client should
//! send. Whatever happens, [`final_state`] says what must be true after it.

mod bad_input;
mod campaign;
mod clients;
mod clocks;
mod disk;
mod event_recorder;
pub mod final_state;
mod fleet;
mod harness;
mod hung_directory;
mod kill_moments;
mod limits;
mod matrix;
mod old_databases;
mod older_runner;
mod processes;
mod refusing_disk;
mod restored_database;
mod start;
mod upkeep;
