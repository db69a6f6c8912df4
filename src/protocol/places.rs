//! Places on the wire: where a person's programs run that were not started in a terminal.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A place on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaceInfo {
    /// Its number.
    pub id: i64,
    /// What it is: `service`, `container` or `process`, with its name.
    pub place: String,
    /// The topmost program there when it was put on record.
    pub program: String,
    /// Who put it on record.
    pub added_by: String,
    /// Whether it can still be met: a process ends, and a container does.
    pub present: bool,
    /// When it was put on record (RFC 3339).
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

/// Parameters of `listPlaces`: none.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ListPlacesParams {}

/// Answer of `listPlaces`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListPlacesResponse {
    /// All places, the oldest first.
    pub places: Vec<PlaceInfo>,
}

/// Parameters of `addPlace`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AddPlaceParams {
    /// A process that runs there (required).
    pub pid: u32,
}

/// Parameters of `removePlace`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RemovePlaceParams {
    /// The place's number (required).
    pub id: i64,
}

/// Answer of `addPlace` and `removePlace`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PlaceResponse {
    /// The place.
    pub place: PlaceInfo,
}
