//! Keys of the local HumanLayer API on the wire.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `createKey`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CreateKeyParams {
    /// Its name (required), under which its programs appear in the inbox.
    pub name: String,
    /// Whether it may only ask, not see and answer what others ask.
    pub ask_only: bool,
}

/// Answer of `createKey`.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct CreateKeyResponse {
    /// The key itself. It is told here and never again.
    pub key: String,
    /// What is on record of it.
    pub info: KeyInfo,
}

/// A key, without the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyInfo {
    /// Its name.
    pub name: String,
    /// Whether it may see and answer what others ask.
    pub may_decide: bool,
    /// When it was made (RFC 3339).
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it was last used, give or take a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub revoked_at: Option<Timestamp>,
}

/// Parameters of `listKeys`: none.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ListKeysParams {}

/// Answer of `listKeys`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListKeysResponse {
    /// All keys, the newest first; revoked ones too.
    pub keys: Vec<KeyInfo>,
}

/// Parameters of `revokeKey`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RevokeKeyParams {
    /// The key's name (required).
    pub name: String,
}

/// Answer of `revokeKey`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RevokeKeyResponse {
    /// What is on record of it now.
    pub info: KeyInfo,
}
