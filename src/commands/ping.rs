//! `ping`: check the key for the remote HumanLayer API.
//!
//! Asks the API itself, not the daemon, and shows the key nowhere.

use std::time::{Duration, Instant};

use secrecy::SecretString;

use super::Context;
use super::exit::Failure;
use crate::domain::text::sanitize_line;
use crate::remote_api::client::Api;
use crate::remote_api::error::{ApiError, ErrorClass};
use crate::remote_api::types::Project;

/// Arguments of `ping`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer ping\n  \
    humanlayer ping --json\n\n\
    Exits with 1 when the API cannot be reached or refuses the key, with 2 when there is no key.")]
pub struct Args {}

/// Asks for the project of the configured key.
pub async fn run(_: Args, mut context: Context) -> Result<(), Failure> {
    let Some(key) = &context.config.api_key.value else {
        return Err(Failure::usage("no API key is configured")
            .with_hint("store one with `humanlayer login`, or set HUMANLAYER_API_KEY"));
    };
    let api = api(
        &context.config.api_base_url.value,
        SecretString::from(key.expose()),
    )?;
    let (project, took) = project(&api).await?;
    let millis = took.as_secs_f64() * 1e3;
    let answer = serde_json::json!({
        "name": project.name(),
        "slug": project.slug(),
        "place": api.place(),
        "milliseconds": (millis * 1e3).round() / 1e3,
    });
    context.out.result(&answer, |out| {
        out.line(format!(
            "{project} at {}, {millis:.0} ms",
            sanitize_line(api.place())
        ))
    })
}

/// A project as it is shown.
pub struct Shown(Project);

impl Shown {
    /// Its name.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Its short name.
    pub fn slug(&self) -> Option<&str> {
        self.0.slug.as_deref()
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.0.name.as_deref().unwrap_or("unnamed");
        write!(f, "project {}", sanitize_line(name))?;
        match &self.0.slug {
            Some(slug) => write!(f, " ({})", sanitize_line(slug)),
            None => Ok(()),
        }
    }
}

/// The API with a key.
pub fn api(base: &str, key: SecretString) -> Result<Api, Failure> {
    Api::new(base, key).map_err(|error| Failure::usage(error.to_string()))
}

/// Asks for the project, and how long that took.
pub async fn project(api: &Api) -> Result<(Shown, Duration), Failure> {
    let begun = Instant::now();
    match api.project().await {
        Ok(project) => Ok((Shown(project), begun.elapsed())),
        Err(error) => Err(failure(api, &error)),
    }
}

fn failure(api: &Api, error: &ApiError) -> Failure {
    let hint = match error {
        ApiError::Refused {
            status: 401 | 403, ..
        } => "the key was rejected; store another with `humanlayer login`".to_owned(),
        ApiError::Unreachable { .. } | ApiError::Refused { .. } | ApiError::Protocol { .. } => {
            match error.class() {
                ErrorClass::Settings | ErrorClass::Final => format!(
                    "is {} the right address? HUMANLAYER_API_BASE or `api_base_url` sets it",
                    api.place()
                ),
                ErrorClass::Transient => {
                    "try again; `humanlayer config get api_base_url` prints the address".to_owned()
                }
            }
        }
    };
    Failure::failed(error.to_string()).with_hint(hint)
}
