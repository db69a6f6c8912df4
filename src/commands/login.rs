//! `login`: store a key for a HumanLayer API, once it is known to be good.
//!
//! Starts no daemon, and shows the key nowhere.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::exit::Failure;
use super::{Context, output, ping, secret};
use crate::client::Client;
use crate::config::{self, Config, Flags};
use crate::domain::text::sanitize_line;
use crate::remote_api::client::Api;

/// Arguments of `login`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer login\n  \
    humanlayer login < key-file\n  \
    humanlayer login --api-base-url http://127.0.0.1:7778/humanlayer/v1\n\n\
    The key is asked for without an echo, or read from standard input; never give it as an\n\
    argument. It is checked before it is stored, in your own humanlayer.json (mode 0600). The\n\
    daemon reads it when it starts.")]
pub struct Args {
    /// Where the API is; stored too
    #[arg(long, value_name = "URL")]
    pub api_base_url: Option<String>,
}

/// Asks, tries, stores.
pub async fn run(args: Args, flags: &Flags, mut context: Context) -> Result<(), Failure> {
    let file = config::locate_own(flags)?;
    let configured = &context.config.api_base_url.value;
    let base = args.api_base_url.as_ref().unwrap_or(configured);
    let base = base.trim_end_matches('/').to_owned();
    // A wrong address is told before anybody types a key.
    let place = ping::api(&base, SecretString::from("none"))?
        .place()
        .to_owned();
    let key = secret::ask(&format!("API key for {}", sanitize_line(&place)))?;
    let api: Api = ping::api(&base, key.clone())?;
    let (project, _) = ping::project(&api).await?;
    let mut changes = vec![("api_key", key.expose_secret())];
    if args.api_base_url.is_some() {
        changes.push(("api_base_url", base.as_str()));
    }
    config::set(&file, &changes)?;
    tell_what_hides_it(flags, &key, &base);
    let socket = &context.config.daemon_socket.value;
    let must_restart = Client::connect(socket).await.is_ok();
    let file = file.to_string_lossy();
    let stored = json!({
        "name": project.name(),
        "slug": project.slug(),
        "file": file,
        "daemon_must_restart": must_restart,
    });
    context.out.result(&stored, |out| {
        out.line(format!(
            "{project}: the key is stored in {}",
            sanitize_line(&file)
        ))?;
        if must_restart {
            out.line(
                "the running daemon uses it after `humanlayer daemon restart`, which is safe: sessions keep running",
            )?;
        }
        Ok(())
    })
}

/// The environment may go before what was stored.
fn tell_what_hides_it(flags: &Flags, key: &SecretString, base: &str) {
    let Ok(config) = Config::load(flags) else {
        return;
    };
    let stored = config.api_key.value.as_ref();
    let (what, origin) = if !stored.is_some_and(|stored| secret::same(key, stored.expose())) {
        ("key", config.api_key.origin)
    } else if config.api_base_url.value != base {
        ("address", config.api_base_url.origin)
    } else {
        return;
    };
    output::warn(&format!(
        "the stored {what} is not the one in use: {origin} takes precedence over the file"
    ));
}
