//! The errors that the socket layer itself answers with.
//!
//! Each carries `data.kind`, a stable word for programs; the message is for
//! people and may change. Methods have error kinds of their own, which pass
//! through here untouched.

use jsonrpsee::MethodResponse;
use jsonrpsee::types::{ErrorObjectOwned, Id};
use serde::Serialize;
use serde_json::value::RawValue;

/// What went wrong before, around or instead of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The line is not JSON.
    ParseError,
    /// JSON, but not a JSON-RPC 2.0 request.
    InvalidRequest,
    /// No method has that name.
    MethodNotFound,
    /// The request, the batch or the answer is over a limit.
    TooLarge,
    /// The connection holds as many subscriptions as it may.
    TooManySubscriptions,
    /// The daemon serves as many connections as it may.
    TooManyConnections,
    /// The caller's programs have as much under way as they may.
    TooMuchUnderWay,
    /// The caller belongs to another user.
    NotPermitted,
    /// The method failed in a way that is a fault of the daemon.
    Internal,
}

impl Kind {
    /// The word in `data.kind`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ParseError => "parse_error",
            Self::InvalidRequest => "invalid_request",
            Self::MethodNotFound => "method_not_found",
            Self::TooLarge => "too_large",
            Self::TooManySubscriptions => "too_many_subscriptions",
            Self::TooManyConnections => "too_many_connections",
            Self::TooMuchUnderWay => "too_much_under_way",
            Self::NotPermitted => "not_permitted",
            Self::Internal => "internal",
        }
    }
}

/// JSON-RPC's code for text that is not JSON.
pub const PARSE_ERROR: i32 = -32700;
/// JSON-RPC's code for JSON that is not a request.
pub const INVALID_REQUEST: i32 = -32600;
/// JSON-RPC's code for an unknown method.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// JSON-RPC's code for a fault of the server.
pub const INTERNAL: i32 = -32603;
/// Code for one subscription too many.
pub const TOO_MANY_SUBSCRIPTIONS: i32 = -32006;
/// Code for an answer over its limit.
pub const RESPONSE_TOO_LARGE: i32 = -32008;
/// Code for a connection that is turned away.
pub const CONNECTION_REFUSED: i32 = -32010;

#[derive(Serialize)]
struct Data {
    kind: &'static str,
}

/// Builds the error object of one of this layer's failures.
pub(crate) fn object(code: i32, kind: Kind, message: impl Into<String>) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(
        code,
        message,
        Some(Data {
            kind: kind.as_str(),
        }),
    )
}

/// Builds the whole answer that carries such an error.
pub(crate) fn reply(
    id: Id<'_>,
    code: i32,
    kind: Kind,
    message: impl Into<String>,
) -> Box<RawValue> {
    MethodResponse::error(id, object(code, kind, message))
        .into_parts()
        .0
}
