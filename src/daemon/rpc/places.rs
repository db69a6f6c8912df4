//! Places: a person says where their programs run that were not started in a terminal.

use super::Call;
use super::error::RpcError;
use crate::daemon::callers::{Place, PlaceRecord, top};
use crate::domain::Origin;
use crate::platform;
use crate::protocol::error::ErrorKind;
use crate::protocol::places::{
    AddPlaceParams, ListPlacesParams, ListPlacesResponse, PlaceInfo, PlaceResponse,
    RemovePlaceParams,
};

pub async fn list(call: Call, _: ListPlacesParams) -> Result<ListPlacesResponse, RpcError> {
    Ok(ListPlacesResponse {
        places: infos(&call),
    })
}

/// The places on record.
pub fn infos(call: &Call) -> Vec<PlaceInfo> {
    let callers = call.daemon.callers();
    callers
        .places()
        .iter()
        .map(|record| info(record, callers.boot()))
        .collect()
}

fn info(record: &PlaceRecord, boot: &str) -> PlaceInfo {
    PlaceInfo {
        id: record.id,
        place: record.place.to_string(),
        program: record.program.clone(),
        added_by: record.added_by.clone(),
        present: record.place.is_present(boot),
        created_at: record.created_at,
    }
}

pub async fn add(call: Call, params: AddPlaceParams) -> Result<PlaceResponse, RpcError> {
    let person = call.must_be_a_person("say where a person's programs run")?;
    if params.pid == 0 {
        return Err(RpcError::required("pid"));
    }
    let callers = call.daemon.callers();
    let pid = params.pid;
    let conflict = |problem: String| RpcError::new(ErrorKind::Conflict, problem);
    // What is judged is what goes on record.
    let steps =
        platform::walk(pid).map_err(|problem| RpcError::invalid("pid", problem.to_string()))?;
    match callers.origin(&steps) {
        Origin::Person { .. } => {
            return Err(conflict(format!(
                "process {pid} counts as a person's already"
            )));
        }
        Origin::Agent { session_id, .. } => {
            return Err(conflict(format!(
                "process {pid} is an agent's, of session {}; agents count as persons in no place",
                session_id.short()
            )));
        }
        Origin::OtherAgent { evidence, .. } => {
            return Err(conflict(format!(
                "process {pid} is an agent's: {evidence}; agents count as persons in no place"
            )));
        }
        Origin::Unverified { .. } => {}
    }
    let place = Place::of(&steps, callers.boot())
        .ok_or_else(|| conflict(format!("where process {pid} runs cannot be told")))?;
    let program = top(&steps).map(|step| step.name.clone());
    let by = person.describe(u32::MAX);
    let store = &call.daemon.store;
    let record = store
        .add_place(place, program.unwrap_or_default(), by)
        .await?;
    callers.set_places(store.places().await?);
    tracing::info!(place = %record.place, added_by = record.added_by, "a place was put on record");
    Ok(PlaceResponse {
        place: info(&record, callers.boot()),
    })
}

pub async fn remove(call: Call, params: RemovePlaceParams) -> Result<PlaceResponse, RpcError> {
    call.must_be_a_person("say where a person's programs run")?;
    let callers = call.daemon.callers();
    let store = &call.daemon.store;
    let record = store.remove_place(params.id).await?;
    callers.set_places(store.places().await?);
    Ok(PlaceResponse {
        place: info(&record, callers.boot()),
    })
}
