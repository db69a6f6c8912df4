//! Withdrawing messages that the agent has not read.

use std::time::Duration;

use tokio::time::Instant;

use super::Call;
use super::error::RpcError;
use super::session::required;
use crate::claude::control;
use crate::daemon::store::{CancelProtocol, StoreError, Withdrawal};
use crate::domain::Delivery;
use crate::protocol::messages::{
    WithdrawMessageParams, WithdrawMessageResponse, WithdrawalOutcome,
};
use crate::protocol::session::SessionState;

/// How a message is taken back from Claude Code.
const PROTOCOL: CancelProtocol = CancelProtocol {
    request: control::cancel_message,
    is_known_to: control::can_cancel_messages,
};

/// How long the agent may take to give a message back before that is left open. It answers within
/// milliseconds, also in the middle of a turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked whether it has.
const POLL: Duration = Duration::from_millis(20);

/// Withdraws a message. What came of it is said as soon as it is certain.
pub async fn withdraw(
    call: Call,
    params: WithdrawMessageParams,
) -> Result<WithdrawMessageResponse, RpcError> {
    required(&params.session_id)?;
    call.must_be_a_person("withdraw a message")?;
    let store = &call.daemon.store;
    let withdrawn = store
        .withdraw_message(&params.session_id, params.message_id, PROTOCOL)
        .await;
    let (id, withdrawal) = match (withdrawn, params.message_id) {
        (Ok(withdrawn), _) => (withdrawn.message_id, withdrawn.withdrawal),
        // By this very request, whose answer was lost.
        (Err(StoreError::DoneBefore), Some(id)) => (id, Withdrawal::Requested),
        (Err(error), _) => return Err(error.into()),
    };
    let (outcome, reason) = match withdrawal {
        Withdrawal::Withdrawn => (WithdrawalOutcome::Withdrawn, None),
        Withdrawal::TooLate(reason) => (WithdrawalOutcome::TooLate, Some(reason)),
        Withdrawal::Requested => answered(&call, id).await?,
    };
    let session = store.session(&params.session_id).await?;
    Ok(WithdrawMessageResponse {
        session: SessionState::from(&session),
        message_id: id,
        outcome,
        reason,
    })
}

/// Waits for what the agent says.
async fn answered(call: &Call, id: i64) -> Result<(WithdrawalOutcome, Option<String>), RpcError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let state = call.daemon.store.message_state(id).await?;
        match state.delivery {
            Some(Delivery::Withdrawn) => return Ok((WithdrawalOutcome::Withdrawn, None)),
            None => {
                let reason = "the agent is reading it already".to_owned();
                return Ok((WithdrawalOutcome::TooLate, Some(reason)));
            }
            Some(Delivery::Undelivered) => {
                let reason = "it is not sent any more".to_owned();
                return Ok((WithdrawalOutcome::Withdrawn, Some(reason)));
            }
            Some(Delivery::Sending | Delivery::Queued) if !state.withdrawing => {
                let reason = "the agent has taken it up and cannot give it back".to_owned();
                return Ok((WithdrawalOutcome::TooLate, Some(reason)));
            }
            Some(Delivery::Sending | Delivery::Queued) if Instant::now() >= deadline => {
                let reason = "the agent was asked for it and has not answered yet".to_owned();
                return Ok((WithdrawalOutcome::Pending, Some(reason)));
            }
            Some(Delivery::Sending | Delivery::Queued) => tokio::time::sleep(POLL).await,
        }
    }
}
