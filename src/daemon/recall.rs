//! What a starting daemon takes over about who calls, and the one place that it puts on record itself.

use super::callers::{Callers, Place, top};
use crate::daemon::store::{Store, StoreError};
use crate::domain::Origin;
use crate::platform::Step;

/// Who put the first place on record.
const FIRST_START: &str = "the daemon's first start";

/// Takes over what is on record. The first start on a database, new or of a version that knew no places,
/// puts the place of its starter on record, unless that is a person's terminal, which needs none, or it
/// may not be the first (`may_be_first`).
///
/// # Errors
/// When the database cannot be read or written.
pub async fn recall(
    callers: &Callers,
    store: &Store,
    starter: &[Step],
    may_be_first: bool,
) -> Result<(), StoreError> {
    let known = store.asking_programs(callers.boot().to_owned()).await?;
    let gone = callers.recall_asking(known);
    if !gone.is_empty() {
        store.forget_asking(gone).await?;
    }
    let is_unknown = matches!(callers.origin(starter), Origin::Unverified { .. });
    let place = Place::of(starter, callers.boot()).filter(|_| may_be_first && is_unknown);
    let program = top(starter).map(|step| step.name.clone());
    let first = place.map(|place| (place, program.unwrap_or_default(), FIRST_START.to_owned()));
    if let Some(record) = store.first_start(first).await? {
        tracing::info!(place = %record.place, program = record.program, "this is the first start: what runs in the place that started it counts as a person's");
    }
    let times = store.agent_times(callers.boot().to_owned()).await?;
    callers.recall_agent_times(times);
    recall_confirmed(callers, store).await?;
    if store.runners_are_foreign().await? {
        store
            .raise_runners_changed(callers.boot().to_owned())
            .await?;
    }
    callers.set_alarms(&store.alarms(true).await?);
    Ok(())
}

/// Takes over the places and terminals that a person has let count.
///
/// # Errors
/// When the database cannot be read.
pub async fn recall_confirmed(callers: &Callers, store: &Store) -> Result<(), StoreError> {
    callers.set_places(store.places().await?);
    let terminals = store.confirmed_terminals(callers.boot().to_owned()).await?;
    callers.set_confirmed(&terminals);
    Ok(())
}
