//! Alarms: looking at them, and acknowledging them.

use super::Call;
use super::error::RpcError;
use crate::daemon::callers::{Alarm, AlarmKind};
use crate::daemon::recall;
use crate::protocol::alarms::{
    AcknowledgeAlarmParams, AlarmInfo, AlarmResponse, ListAlarmsParams, ListAlarmsResponse,
};

pub async fn list(call: Call, params: ListAlarmsParams) -> Result<ListAlarmsResponse, RpcError> {
    let alarms = call.daemon.store.alarms(!params.all).await?;
    Ok(ListAlarmsResponse {
        alarms: alarms.into_iter().map(info).collect(),
    })
}

/// The open alarms; none while the database cannot be read, which is said elsewhere.
pub async fn open(call: &Call) -> Vec<AlarmInfo> {
    let alarms = call.daemon.store.alarms(true).await.unwrap_or_default();
    alarms.into_iter().map(info).collect()
}

/// After a runner was killed only who does not come from a younger process passes the check here.
pub async fn acknowledge(
    call: Call,
    params: AcknowledgeAlarmParams,
) -> Result<AlarmResponse, RpcError> {
    let person = call.must_be_a_person("acknowledge alarms")?;
    let store = &call.daemon.store;
    let by = person.describe(u32::MAX);
    let alarm = store.acknowledge_alarm(params.id, by).await?;
    call.daemon.callers().set_alarms(&store.alarms(true).await?);
    if alarm.kind == AlarmKind::ForeignWriter {
        // What was left out as a foreign writer's is in force from now on.
        recall::recall_confirmed(call.daemon.callers(), store).await?;
        call.daemon.keys.reload(store).await?;
    }
    Ok(AlarmResponse { alarm: info(alarm) })
}

fn info(alarm: Alarm) -> AlarmInfo {
    AlarmInfo {
        id: alarm.id,
        kind: alarm.kind.as_str().to_owned(),
        session_id: alarm.session_id.to_string(),
        detail: alarm.detail,
        created_at: alarm.created_at,
        acknowledged_at: alarm.acknowledged_at,
        acknowledged_by: alarm.acknowledged_by,
    }
}
