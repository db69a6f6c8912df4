//! The command line as a user types it: the commands start the daemon themselves.

mod completing;
mod configuring;
mod conversing;
mod deciding;
mod doctor;
mod elsewhere;
mod following;
mod helping;
mod launching;
mod life;
mod looking;
mod manual;
mod printing;
mod refusing;
mod scripting;
mod service;
mod starting;
mod tables;
mod verbs;
