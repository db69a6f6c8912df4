//! `keys`: who may use the local HumanLayer API.
//!
//! A new key goes alone to standard output, so that it can be put where it belongs without being
//! shown; what else is to be said goes to standard error.

use serde_json::json;

use super::exit::Failure;
use super::{Context, output};
use crate::domain::text::sanitize_line;
use crate::format;
use crate::protocol::keys::{CreateKeyParams, ListKeysParams, RevokeKeyParams};

/// Arguments of `keys`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    export HUMANLAYER_API_KEY=$(humanlayer keys new ci --ask-only)\n  \
    export HUMANLAYER_API_BASE=http://127.0.0.1:7777/humanlayer/v1\n  \
    humanlayer keys list\n  \
    humanlayer keys revoke ci\n\n\
    A program that has a key and the base address asks through a HumanLayer SDK and\n\
    appears in the inbox under the key's name. One daemon can answer for another with\n\
    a key that is not --ask-only: see `humanlayer docs programs`.")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Create a key and print it once
    New {
        /// Name shown in the inbox
        name: String,
        /// Allow only asking, not seeing and answering other requests
        #[arg(long)]
        ask_only: bool,
    },
    /// List keys, without their values
    List,
    /// Revoke a key
    Revoke {
        /// Its name
        name: String,
    },
}

/// Makes, lists or revokes.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    match args.verb {
        Verb::New { name, ask_only } => {
            let made = client
                .create_key(&CreateKeyParams { name, ask_only })
                .await?;
            let health = client.health().await?;
            if context.out.is_json() {
                return context.out.json(&json!({
                    "key": made.key,
                    "info": made.info,
                    "api_base_url": health.http_address.map(|address| format!("http://{address}/humanlayer/v1")),
                    "api_problem": health.http_problem,
                }));
            }
            context.out.line(sanitize_line(&made.key))?;
            output::warn(&match (health.http_address, health.http_problem) {
                (Some(address), _) => format!(
                    "this key is not shown again; the API is at http://{address}/humanlayer/v1"
                ),
                (None, Some(problem)) => {
                    format!("this key is not shown again; the API is not served: {problem}")
                }
                (None, None) => {
                    "this key is not shown again; the API is switched off (http_port is 0)"
                        .to_owned()
                }
            });
            Ok(())
        }
        Verb::List => list(
            &mut context,
            client.list_keys(&ListKeysParams {}).await?.keys,
        ),
        Verb::Revoke { name } => {
            let revoked = client.revoke_key(&RevokeKeyParams { name }).await?;
            context.out.result(&revoked.info, |out| {
                let name = sanitize_line(&revoked.info.name);
                out.line(format!("{name} revoked"))
            })
        }
    }
}

fn list(context: &mut Context, keys: Vec<crate::protocol::keys::KeyInfo>) -> Result<(), Failure> {
    let terminal = context.out.is_terminal();
    let time = |at: jiff::Timestamp| format::time(at, terminal);
    let none = "No keys. Create one with `humanlayer keys new NAME`.";
    let header = ["NAME", "SCOPE", "CREATED", "LAST USED", "REVOKED"];
    let columns = (header, &["NAME"][..]);
    context.out.list(keys, none, columns, |key| {
        let scope = if key.may_decide {
            "ask and answer"
        } else {
            "ask"
        };
        [
            key.name,
            scope.to_owned(),
            time(key.created_at),
            key.last_used_at.map(time).unwrap_or_default(),
            key.revoked_at.map(time).unwrap_or_default(),
        ]
    })
}
