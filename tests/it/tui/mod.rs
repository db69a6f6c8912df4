//! The dashboard as a person meets it: the real binary in a real terminal.

mod deciding;
mod demo;
mod going;
mod listing;
mod reading;
mod several;
mod shell;
mod signals;
mod slow;
mod terminals;
mod timing;
