//! Terminals that began while an agent ran: a person confirms them from one that is known.

use super::Call;
use super::error::RpcError;
use crate::platform;
use crate::protocol::error::ErrorKind;
use crate::protocol::terminals::{
    ConfirmTerminalParams, ListTerminalsParams, TerminalInfo, TerminalsResponse,
};

pub async fn list(call: Call, _: ListTerminalsParams) -> Result<TerminalsResponse, RpcError> {
    listed(&call).await
}

async fn listed(call: &Call) -> Result<TerminalsResponse, RpcError> {
    let boot = call.daemon.callers().boot().to_owned();
    let terminals = call.daemon.store.confirmed_terminals(boot).await?;
    call.daemon.callers().set_confirmed(&terminals);
    let terminals = terminals.into_iter().map(|terminal| TerminalInfo {
        pid: terminal.process.pid,
        program: terminal.program,
        confirmed_by: terminal.confirmed_by,
        confirmed_at: terminal.confirmed_at,
    });
    Ok(TerminalsResponse {
        terminals: terminals.collect(),
    })
}

pub async fn confirm(
    call: Call,
    params: ConfirmTerminalParams,
) -> Result<TerminalsResponse, RpcError> {
    let person = call.must_be_a_person("confirm a terminal")?;
    if params.pid == 0 {
        return Err(RpcError::required("pid"));
    }
    let callers = call.daemon.callers();
    let steps = platform::walk(params.pid)
        .map_err(|problem| RpcError::invalid("pid", problem.to_string()))?;
    if callers.origin(&steps).is_agent() {
        let problem = format!("process {} is an agent's", params.pid);
        return Err(RpcError::new(ErrorKind::Conflict, problem));
    }
    let terminal = callers.unconfirmed_terminal(&steps).ok_or_else(|| {
        let problem = format!(
            "process {} is at no terminal that waits to be confirmed",
            params.pid
        );
        RpcError::new(ErrorKind::Conflict, problem)
    })?;
    let by = person.describe(u32::MAX);
    let boot = callers.boot().to_owned();
    call.daemon
        .store
        .confirm_terminal(boot, terminal.id(), terminal.program_name(), by)
        .await?;
    listed(&call).await
}
