//! What goes wrong: processes killed at every step, disks that fill up, input that no client should
//! send. Whatever happens, [`check`] says what must be true after it.

mod bad_input;
mod campaign;
pub mod check;
mod clients;
mod clocks;
mod disk;
mod fleet;
mod hung_directory;
mod life;
mod limits;
mod matrix;
mod old_databases;
mod older_runner;
mod processes;
mod put_back;
mod refusing_disk;
mod rig;
mod start;
mod upkeep;
mod witness;
