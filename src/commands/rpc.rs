//! `rpc`: call any method of the daemon.

use serde_json::{Map, Value};

use super::exit::Failure;
use super::{Context, complete, input};
use crate::protocol::method::{Effect, Name};

/// Arguments of `rpc`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer rpc health\n  \
    humanlayer rpc getSessionState '{\"session_id\": \"1a2b3c4d\"}'")]
pub struct Args {
    /// The method
    #[arg(add = complete::methods())]
    pub method: String,

    /// Parameters as a JSON object; `-` reads them from standard input
    #[arg(value_name = "JSON")]
    pub params: Option<String>,
}

/// Calls a method and prints its answer.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let method = Name::parse(&args.method);
    if method.is_some_and(|method| method.effect() == Effect::Streams) {
        return Err(Failure::usage(format!(
            "{} answers with a stream, which `rpc` does not follow",
            args.method
        ))
        .with_hint("use `humanlayer watch --json`"));
    }
    let params = match &args.params {
        None => Map::new(),
        Some(given) => match input::json(given, "parameters")? {
            Value::Object(params) => params,
            _ => return Err(Failure::usage("parameters must be a JSON object")),
        },
    };
    let client = context.client().await?;
    let answer: Value = client.call(&args.method, &params).await?;
    context.out.json(&answer)
}
