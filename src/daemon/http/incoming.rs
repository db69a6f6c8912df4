//! A new connection, as the gate sees it.

use std::sync::Arc;

use super::admission::Admission;
use super::peer::Peer;

/// A new connection, as the gate sees it.
#[derive(Clone)]
pub struct Incoming {
    /// Its ends.
    pub peer: Peer,
    /// Its place among all.
    pub admission: Arc<Admission>,
}
