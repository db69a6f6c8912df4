//! Whether something can be asked of the daemon.
//!
//! The rule: nothing is kept for later without a word. Who makes an effect that changes something by way of the
//! daemon ([`Effect::needs_daemon`](crate::tui::effect::Effect::needs_daemon)) asks here first; where there is no
//! connection nothing is sent, the user is told so, and what they typed stays where it is.

use super::notify;
use crate::tui::state::App;
use crate::tui::state::notice::Tone;

/// Whether a change can be sent to the daemon; says so where it cannot.
pub fn can_send(app: &mut App) -> bool {
    let is_connected = app.is_connected();
    if !is_connected {
        notify(app, Tone::Bad, "Not sent: not connected to the daemon");
    }
    is_connected
}
